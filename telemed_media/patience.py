"""How long a request may take: no client holds a handler by sending its body slowly.

The same silence ends connections between requests and in the middle of headers (`IDLE_S`, given to
aiohttp as its keep-alive time). WebSockets have their own clock: hello, then heartbeats.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

IDLE_S = 30.0  # without a whole request; a browser opens a new connection in one round trip
SIGNAL_PATH = "/signal"
REQUEST_S = 30.0  # body and answer; the largest body is an SDP of 64 KiB, media answers in 5 s


@web.middleware
async def limit_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answers 408 where a request, its body included, takes too long."""
    if request.path == SIGNAL_PATH:
        return await handler(request)
    try:
        async with asyncio.timeout(REQUEST_S) as limit:
            return await handler(request)
    except TimeoutError:
        if not limit.expired():
            raise
        raise web.HTTPRequestTimeout from None

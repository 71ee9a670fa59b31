"""Sends what is made while it is sent: a PDF on request, an archive part by part.

As with files, a browser saves it and shows nothing, and what breaks in the middle ends the
connection, so that nobody takes a part for the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import structlog
from aiohttp import web

from clinic_api.errors import Refused
from clinic_api.files.model import Streamed
from clinic_api.http.downloads import SLOWEST_S, attachment_headers

log = structlog.get_logger(__name__)


async def send_stream(request: web.Request, made: Streamed) -> web.StreamResponse:
    """Raises Refused, where the first part does."""
    try:
        first = await anext(made.parts, b"")
        response = web.StreamResponse(headers=attachment_headers(made.name))
        response.content_type = made.media_type
        await response.prepare(request)
        if request.method != "HEAD":
            await _stream(request, response, made.parts, first)
        return response
    finally:
        await made.parts.aclose()


async def _stream(
    request: web.Request,
    response: web.StreamResponse,
    parts: AsyncGenerator[bytes, None],
    data: bytes,
) -> None:
    try:
        await _write(response, data)
        async for following in parts:
            await _write(response, following)
        await response.write_eof()
    except (Refused, OSError, TimeoutError) as problem:
        log.warning("stream_cut", problem=type(problem).__name__)
        if request.transport is not None:
            request.transport.abort()
    except Exception:
        if request.transport is not None:
            request.transport.abort()
        raise


async def _write(response: web.StreamResponse, data: bytes) -> None:
    """Raises TimeoutError where the reader is too slow."""
    if data:
        async with asyncio.timeout(SLOWEST_S):
            await response.write(data)

"""Headers at the edge: what every answer says, what no request may say twice.

Nothing foreign is loaded, framed or told.

The content security policy names everything that the pages use and nothing else; there is no inline
script or style. The WebSocket is named with its host, because older browsers do not count it as
'self'. Headers that a handler set itself are kept.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")

# Where two stand, two programs on the way may each believe another one (RFC 9110 5.3).
_SINGLE = ("Host", "Origin", "Content-Length", "Content-Type", "Authorization")
_OWN_COOKIES = "__Host-"  # a browser keeps one of each name; a second one was put there

_FIXED = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def content_security_policy(host: str) -> str:
    """The policy for pages served from `host` (a Host header, not trusted)."""
    sockets = f" wss://{host}" if _HOST.fullmatch(host) else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"media-src 'self' blob:; connect-src 'self'{sockets}; manifest-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )


@web.middleware
async def security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Adds the headers to every answer, refusals of the router included."""
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        _add(refusal, request.host)
        raise
    if not response.prepared:
        _add(response, request.host)
    return response


@web.middleware
async def one_of_each(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses a request that says twice whom it is for, from, or how long it is."""
    names = _cookie_names(request)
    twice = any(len(request.headers.getall(name, [])) > 1 for name in _SINGLE)
    if twice or len(names) > len(set(names)):
        raise web.HTTPBadRequest(text="A header or cookie is there twice.\n")
    return await handler(request)


def _cookie_names(request: web.Request) -> list[str]:
    """Of our own cookies, as they were sent."""
    pairs = ";".join(request.headers.getall("Cookie", [])).split(";")
    names = (pair.partition("=")[0].strip() for pair in pairs)
    return [name for name in names if name.startswith(_OWN_COOKIES)]


def _add(response: web.StreamResponse | web.HTTPException, host: str) -> None:
    for name, value in _FIXED.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", content_security_policy(host))

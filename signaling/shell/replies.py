"""HTTP answers of the device doors: problems in words, and leave for pages of other origins.

Devices authorise themselves by a bearer token and never by a cookie, so any origin may call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from signaling.core.messages import IceServer
from signaling.core.problems import PROBLEMS

RETRY_AFTER_S = 2  # a worker is back after about that; an address has two more attempts
PREFLIGHT_S = 86_400
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Accept-Post, Accept-Patch",
    "Cache-Control": "no-store",
}


class Refusal(Exception):
    """The request is refused with a code of `PROBLEMS`; `detail` replaces its sentence."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def reply(
    status: int, headers: Mapping[str, str] | None = None, text: str | None = None
) -> web.Response:
    """An answer that any page may read."""
    response = web.Response(status=status, headers=headers)
    response.headers.update(_CORS)
    if text is not None:
        response.body = text.encode()
    return response


def problem(refusal: Refusal, allow: str) -> web.Response:
    """A refusal as application/problem+json (RFC 9457)."""
    known = PROBLEMS[refusal.code]
    body = {
        "type": "about:blank",
        "title": HTTPStatus(known.status).phrase,
        "status": known.status,
        "detail": refusal.detail or known.detail,
        "code": refusal.code,
    }
    headers = {"Content-Type": "application/problem+json", **_hints(known.status, allow)}
    return reply(known.status, headers, msgspec.json.encode(body).decode())


def ice_links(servers: Iterable[IceServer]) -> str:
    """TURN servers as RFC 9725 section 4.6 has them in a Link header (RFC 8288)."""
    return ", ".join(
        f'<{url}>; rel="ice-server"; username="{server.username}"; '
        f'credential="{server.credential}"; credential-type="password"'
        for server in servers
        for url in server.urls
    )


def preflight(allow: str, accepts: Mapping[str, str]) -> web.Response:
    """The answer to OPTIONS, for browsers and for clients that ask what is taken."""
    return reply(
        204,
        {
            "Allow": allow,
            "Access-Control-Allow-Methods": allow,
            "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
            "Access-Control-Max-Age": str(PREFLIGHT_S),
            **accepts,
        },
    )


def _hints(status: int, allow: str) -> dict[str, str]:
    match status:
        case 401:
            return {"WWW-Authenticate": "Bearer"}  # RFC 6750 section 3
        case 405:
            return {"Allow": allow}
        case 429 | 503:
            return {"Retry-After": str(RETRY_AFTER_S)}
        case _:
            return {}

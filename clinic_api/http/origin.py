"""No other site acts in a person's name: what a browser says of a request's origin is checked.

A browser adds the session's cookie by itself, so whatever changes something by cookie has to come
from our own pages. Bearer tokens are added by programs on purpose and need no such check.
"""

from __future__ import annotations

from aiohttp import web

from clinic_api.errors import Refused
from clinic_api.http.authentication import Credentials

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def check_origin(request: web.Request, credentials: Credentials) -> None:
    """Raises Refused(foreign_origin).

    `Origin` must be our own wherever a cookie acts, and nowhere may it be another's;
    `Sec-Fetch-Site` is a second witness, which no script can set (Fetch Metadata, W3C).
    """
    if request.method in SAFE or credentials.bearer is not None:
        return
    origin = request.headers.get("Origin")
    if origin is None and credentials.session is not None:
        raise Refused("foreign_origin")
    if origin is not None and not _is_own(origin, request.host):
        raise Refused("foreign_origin")
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise Refused("foreign_origin")


def _is_own(origin: str, host: str) -> bool:
    # Either scheme: a proxy in front may have ended the TLS.
    scheme, _, its_host = origin.lower().partition("://")
    return scheme in {"http", "https"} and its_host == host.lower()

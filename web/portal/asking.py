"""What a request says besides its fields: who shows what, on which device, on the way where."""

from __future__ import annotations

import msgspec
from aiohttp import web

from clinic_api.auth.model import Device
from clinic_api.http.authentication import Credentials, credentials_of

NEXT = "next"  # where somebody wanted to go before signing in


def credentials_of_page(request: web.Request) -> Credentials:
    """Pages know cookies only."""
    credentials = credentials_of(request)
    return msgspec.structs.replace(credentials, bearer=None)


def wanted_next(request: web.Request, otherwise: str) -> str:
    """Where to go on: an own path only, never another site (CWE-601)."""
    path = request.query.get(NEXT, "")
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_own and path.isprintable() else otherwise


def device_of(request: web.Request) -> Device:
    """What somebody signs in on, by what the browser says; only for the list of sessions."""
    agent = request.headers.get("User-Agent", "")
    if "iPad" in agent or ("Android" in agent and "Mobile" not in agent):
        return "tablet"
    if "Mobile" in agent:
        return "phone"
    return "computer" if agent else "unknown"


def page_of(request: web.Request) -> str:
    """The page that was asked for, or whose form was posted: forms go to `<page>/<verb>`."""
    path = request.path
    return path if request.method == "GET" else path.rpartition("/")[0] or "/"

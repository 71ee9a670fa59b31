"""No other site acts in a person's name: what a browser says of a request's origin is checked.

A browser adds the session's cookie by itself, so whatever changes something by cookie has to come
from our own pages. Which these are is known from the settings, the certificate and the socket that
was connected to; the Host header is what the other side says of us, and proves nothing. Bearer
tokens are added by programs on purpose and need no such check.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from clinic_api.errors import Refused
from clinic_api.http.authentication import Credentials

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": 80, "https": 443}  # RFC 9110 4.2


class Own(msgspec.Struct, frozen=True):
    """Where our pages are: the public origin, and the certificate's names, in lower case."""

    public_url: str = ""
    names: Callable[[], frozenset[str]] = frozenset


class Origin(msgspec.Struct, frozen=True):
    """Scheme, host and port (RFC 6454 4)."""

    scheme: str
    host: str  # a name in lower case, or an address literal without brackets
    port: int


OWN = web.AppKey("own", Own)


def check_origin(request: web.Request, credentials: Credentials) -> None:
    """Raises Refused(foreign_origin).

    `Origin` must be our own wherever a cookie acts, and nowhere may it be another's;
    `Sec-Fetch-Site` is a second witness, which no script can set (Fetch Metadata, W3C).
    """
    if request.method in SAFE or credentials.bearer is not None:
        return
    must_be_own = "Origin" in request.headers or credentials.session is not None
    if must_be_own and not is_own_page(request):
        raise Refused("foreign_origin")
    if set(request.headers.getall("Sec-Fetch-Site", [])) - {"same-origin"}:
        raise Refused("foreign_origin")


def is_own_page(request: web.Request) -> bool:
    """Whether the request names one origin, and that is one of ours."""
    said = request.headers.getall("Origin", [])
    origin = parse_origin(said[0]) if len(said) == 1 else None
    if origin is None:
        return False
    own = request.config_dict.get(OWN, Own())
    public = parse_origin(own.public_url)
    return origin == public or _is_reached(request, origin, public, own.names())


def _is_reached(
    request: web.Request, origin: Origin, public: Origin | None, names: frozenset[str]
) -> bool:
    """Whether it is the socket's own address, or a name of the certificate at the same port.

    What another process of ours has decrypted comes over a socket without a port: there the names
    count at the public one.
    """
    socket_name = request.get_extra_info("sockname")
    if not isinstance(socket_name, tuple):
        return public is not None and origin.host in names and origin == _at(public, origin.host)
    address = ipaddress.ip_address(str(socket_name[0]).partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    own = names | {str(address)} | ({"localhost"} if address.is_loopback else frozenset())
    return origin.host in own and origin == Origin(request.scheme, origin.host, socket_name[1])


def _at(origin: Origin, host: str) -> Origin:
    return msgspec.structs.replace(origin, host=host)


def parse_origin(text: str) -> Origin | None:
    """An origin as browsers and the settings write it; None for anything else (`null` too)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme, parts.hostname
    is_whole = text.lower() == f"{scheme}://{parts.netloc.lower()}"
    if scheme not in DEFAULT_PORTS or not host or not is_whole or "@" in text:
        return None
    return Origin(scheme, host, DEFAULT_PORTS[scheme] if port is None else port)

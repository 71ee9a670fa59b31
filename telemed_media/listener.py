"""Who is at the other end of a request: the one module that knows how the port is reached.

Handlers see `request["client"]` and nothing else of the connection. Forwarding headers are believed
only from addresses that the settings trust, and read from the right: the last address that is not a
trusted proxy's is the client's, whatever the client itself wrote before it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_HOPS = 16


class Client(msgspec.Struct, frozen=True):
    """The peer of a request; `str` gives its address."""

    address: str  # IPv4 or IPv6 literal; "" for a peer without one
    local: bool  # a process of this machine, not one that speaks through a proxy on it

    def __str__(self) -> str:
        return self.address


class ClientFinder:
    """Tells the client of a connection, given trusted networks and the machine's own addresses."""

    def __init__(self, trusted: Iterable[str], own: Iterable[str]) -> None:
        self._trusted = tuple(ipaddress.ip_network(text, strict=False) for text in trusted)
        self._own = frozenset(ipaddress.ip_address(text) for text in own)

    def find(self, remote: str | None, forwarded_for: Iterable[str]) -> Client:
        """The client, from the socket's address and the `X-Forwarded-For` values in their order."""
        address = _parse(remote or "")
        hops = [hop for line in forwarded_for for hop in line.split(",")][-MAX_HOPS:]
        proxied = bool(hops)
        while address and hops and self._is_trusted(address):
            address = _parse(hops.pop())
        if address is None:
            return Client("", local=False)
        own = address.is_loopback or address in self._own
        return Client(str(address), local=own and not proxied)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def client_middleware(finder: ClientFinder) -> Middleware:
    """Sets `request["client"]` before any handler runs."""

    @web.middleware
    async def set_client(request: web.Request, handler: Handler) -> web.StreamResponse:
        request["client"] = finder.find(
            request.remote, request.headers.getall("X-Forwarded-For", ())
        )
        return await handler(request)

    return set_client


def _parse(text: str) -> Address | None:
    """An address without scope and port; IPv4 in IPv6 clothes (RFC 4291 2.5.5.2) as IPv4."""
    try:
        address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address

"""Ways to a peer: one of our endpoints and the client's public address there.

An endpoint is a UDP socket or the link to the edge, which carries TCP connections. The address is
the socket module's; that of a connection at the edge has its number in the place of IPv6's flow
label, so that its first two values are what STUN answers say to the client either way.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Literal, Protocol

from sfu.shell.inbox import Inbox
from sfu.shell.udp import Address, send_burst

if TYPE_CHECKING:
    from sfu.shell.peer import Peer


Way = Literal["udp", "tcp", "turn"]  # a relay of another's looks like udp


class Endpoint(Protocol):
    """Where packets come in and go out."""

    @property
    def peers(self) -> dict[Address, Peer]:
        """Whose each validated address is."""

    @property
    def is_stream(self) -> bool:
        """Whether the client's packets come by TCP: in order, whole or not at all."""

    def way(self, address: Address) -> Way:
        """By what the packets of an address come."""

    def send_burst(self, address: Address, datagrams: list[bytes]) -> int:
        """Send to one address; how many datagrams, from the first on, were taken."""

    def claim(self, address: Address, video: tuple[int, ...]) -> None:
        """The address is a peer's, whose video has these ssrcs of ours."""

    def release(self, address: Address) -> None:
        """The peer has ended."""


class UdpEndpoint:
    """One of our UDP sockets; an address costs nothing, so nobody has to give it back."""

    __slots__ = ("inbox", "peers", "socket")
    is_stream = False

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.inbox = Inbox(sock)
        self.peers: dict[Address, Peer] = {}

    def way(self, address: Address) -> Way:
        """Every address of a UDP socket is reached by UDP."""
        del address
        return "udp"

    def send_burst(self, address: Address, datagrams: list[bytes]) -> int:
        return send_burst(self.socket, address, datagrams)

    def claim(self, address: Address, video: tuple[int, ...]) -> None:
        """Nothing to do."""

    def release(self, address: Address) -> None:
        """Nothing to do."""


class Path:
    """A way to a peer. Equal if endpoint and address are."""

    __slots__ = ("address", "endpoint")

    def __init__(self, endpoint: Endpoint, address: Address) -> None:
        self.endpoint = endpoint
        self.address = address

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Path)
            and self.endpoint is other.endpoint
            and self.address == other.address
        )

    def __hash__(self) -> int:
        return hash((id(self.endpoint), self.address))

    def send(self, data: bytes) -> bool:
        """False if it was not taken (buffer full, interface gone): the peer is kept."""
        return self.endpoint.send_burst(self.address, [data]) == 1

    def send_burst(self, datagrams: list[bytes]) -> int:
        """How many of them, from the first on, were taken."""
        return self.endpoint.send_burst(self.address, datagrams)

"""Where the server listens, and which addresses it tells browsers to send media to.

HTTPS may listen on a wildcard address. Media may not: an answer must leave from the address that
was asked, so UDP has one socket per local address. Loopback is among them only when it was named,
when the host is loopback, or when the machine has nothing else. An advertised address that is not
the machine's own is a NAT's: browsers hear of it, the sockets stay on the local addresses.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import msgspec

from certs.addresses import InterfaceAddress, loopback, reachable
from sfu.core.candidates import taken_by_browsers
from sfu.core.description import Candidate

EVERY = "::"
EVERY_IPV4 = "0.0.0.0"  # noqa: S104 - the meaning of the setting


class ReachError(Exception):
    """The server cannot be reached so; the message is for the person who set it up."""


class Reach(msgspec.Struct, frozen=True):
    """Addresses without ports."""

    tcp: tuple[str, ...]  # to listen on, possibly a wildcard
    udp: tuple[str, ...]  # local addresses, one socket each, never a wildcard
    candidates: tuple[str, ...]  # what browsers are told

    @property
    def shown_host(self) -> str:
        """The host of the address that people open when PUBLIC_URL does not say."""
        return f"[{self.candidates[0]}]" if ":" in self.candidates[0] else self.candidates[0]


def plan_reach(
    host: tuple[str, ...], advertise: tuple[str, ...], found: Iterable[InterfaceAddress]
) -> Reach:
    """Where to listen for `host` (address literals). Raises ReachError when nowhere."""
    machine = tuple(found)
    offered = _local_addresses(host, machine)
    if not offered:
        raise ReachError("HOST: this machine has no address of that kind.")
    own = {*reachable(machine), *loopback(machine), *offered}
    candidates = tuple(str(ipaddress.ip_address(address)) for address in advertise) or offered
    bound = (*offered, *(address for address in candidates if address in own))
    return Reach(tcp=host, udp=tuple(dict.fromkeys(bound)), candidates=candidates)


def require_usable(reach: Reach, port: int) -> None:
    """Raises ReachError when browsers would refuse to send media to all of the addresses."""
    if not taken_by_browsers(Candidate(address, port) for address in reach.candidates):
        raise ReachError(
            f"PORT: browsers send no media to port {port} of these addresses: below 1024 they take "
            "only 80 and 443, and only at public addresses. Use 8443, or ADVERTISE a public one."
        )


def resolve_host(host: str) -> tuple[str, ...]:
    """The address literals of a HOST setting, IPv4 first. Raises ReachError for an unknown name."""
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ReachError(f"HOST: {host} is neither an address nor a name known here.") from error
    addresses = [str(answer[4][0]) for answer in answers]
    return tuple(dict.fromkeys(sorted(addresses, key=lambda address: ":" in address)))


def _local_addresses(
    host: tuple[str, ...], machine: tuple[InterfaceAddress, ...]
) -> tuple[str, ...]:
    if EVERY in host:
        return reachable(machine) or loopback(machine)
    if EVERY_IPV4 in host:
        return _ipv4(reachable(machine)) or _ipv4(loopback(machine))
    return host


def _ipv4(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(address for address in addresses if ":" not in address)

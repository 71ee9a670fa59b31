"""Which addresses of this machine other machines can reach.

Every adapter of the system is read with ifaddr, then judged here: link-local addresses need a
scope that SDP and certificates cannot carry, and the bridges of container engines lead only to
containers. Loopback is told apart, because it is offered only where it was asked for.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

import ifaddr
import msgspec

CONTAINER_INTERFACE = re.compile(r"^(docker|veth|br-|virbr)")
DNS_NAME = re.compile(r"^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$")


class InterfaceAddress(msgspec.Struct, frozen=True):
    """One address of one interface, as the system writes it."""

    interface: str
    address: str  # IPv4 or IPv6 literal, without scope


def read_interfaces() -> tuple[InterfaceAddress, ...]:
    """Every address of every interface of this machine (of this network namespace)."""
    return tuple(
        InterfaceAddress(adapter.name, ip.ip if isinstance(ip.ip, str) else ip.ip[0])
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    )


def reachable(found: Iterable[InterfaceAddress]) -> tuple[str, ...]:
    """Addresses that others can use, IPv4 first, each once, in the system's order."""
    usable = [item.address for item in found if _is_reachable(item)]
    return tuple(dict.fromkeys(sorted(usable, key=lambda address: ":" in address)))


def loopback(found: Iterable[InterfaceAddress]) -> tuple[str, ...]:
    """The addresses that only this machine itself can use."""
    addresses = (item.address for item in found)
    return tuple(dict.fromkeys(a for a in addresses if ipaddress.ip_address(a).is_loopback))


def own_names() -> tuple[str, ...]:
    """The machine's host name, and its name in multicast DNS (RFC 6762) where it has one label."""
    name = socket.gethostname().rstrip(".").lower()
    if not DNS_NAME.match(name) or name == "localhost":
        return ()
    return (name,) if "." in name else (name, f"{name}.local")


def _is_reachable(item: InterfaceAddress) -> bool:
    if CONTAINER_INTERFACE.match(item.interface):
        return False
    address = ipaddress.ip_address(item.address)
    return not (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    )

"""Routers between a client's link and the server: NATs, made of the kernel's own.

A NAT here has a machine of its own. `plain` keeps a port while it is free, as most homes do;
`symmetric` takes a new random port for each destination, as mobile networks and hospitals do
(RFC 4787 section 4.1 calls it address and port dependent mapping). `Published` is at the server's
side: a public address that stands one to one for the server's own, as in most clouds.
"""

from __future__ import annotations

import itertools
from typing import Literal, TypeAlias

import msgspec

from tests.netns.hosts import Host, new_host

_numbers = itertools.count()


class Nat(msgspec.Struct, frozen=True):
    """Hides who is behind it."""

    mapping: Literal["plain", "symmetric"] = "symmetric"


class Published(msgspec.Struct, frozen=True):
    """Gives the server one more address, which the server's machine does not know."""

    public: str
    private: str


Kind: TypeAlias = Nat | Published


class Router:
    """A running router, connected to the next machine towards the server."""

    def __init__(self, kind: Kind, outer: Host) -> None:
        number = next(_numbers)
        self.host = new_host()
        self._outer = outer
        self._port = f"hop{number}"  # of the outer machine
        self._address = f"10.101.{number % 256}.2"
        self.host.be_router()
        outer.ip(
            f"link add {self._port} type veth peer name wan netns {self.host.path}",
            f"link set {self._port} addrgenmode none",
            f"link set {self._port} up",
            f"route add {self._address}/32 dev {self._port}",
        )
        self.host.ip(
            f"addr add {self._address}/32 dev wan",
            "link set wan up",
            "route add default dev wan",
        )
        self.host.run("nft", "-f", "-", script=_rules(kind))

    def leads_to(self, subnet: str) -> None:
        """Tell the outer machine that this IPv4 subnet is behind here; hidden ones need none."""
        self._outer.ip(f"route add {subnet} dev {self._port}")

    def close(self) -> None:
        self._outer.ip(f"link delete {self._port}")
        self.host.close()


def _rules(kind: Kind) -> str:
    match kind:
        case Nat(mapping):
            ports = "fully-random" if mapping == "symmetric" else ""
            hook, rule = "postrouting priority 100", f'oifname "wan" masquerade {ports}'
        case Published(public, private):
            hook, rule = "prerouting priority -100", f"ip daddr {public} dnat to {private}"
    return f"""
table ip telemed_test_nat {{
  chain translate {{
    type nat hook {hook};
    {rule}
  }}
}}
"""

"""Which addresses are bound and which are offered to browsers."""

from __future__ import annotations

import pytest

from certs.addresses import InterfaceAddress
from telemed_media.reach import ReachError, plan_reach, require_usable, resolve_host

MACHINE = (
    InterfaceAddress("lo", "127.0.0.1"),
    InterfaceAddress("lo", "::1"),
    InterfaceAddress("eth0", "192.168.1.7"),
    InterfaceAddress("eth0", "fd12::7"),
)
OFFLINE = MACHINE[:2]


@pytest.mark.parametrize(
    ("host", "advertise", "udp", "candidates"),
    [
        (("::",), (), ("192.168.1.7", "fd12::7"), ("192.168.1.7", "fd12::7")),
        (("0.0.0.0",), (), ("192.168.1.7",), ("192.168.1.7",)),
        (("127.0.0.1",), (), ("127.0.0.1",), ("127.0.0.1",)),
        (("192.168.1.7",), (), ("192.168.1.7",), ("192.168.1.7",)),
        # a NAT's address is told, the sockets stay where they are
        (("::",), ("203.0.113.5",), ("192.168.1.7", "fd12::7"), ("203.0.113.5",)),
        # a local address is told, and bound if it was not
        (("::",), ("192.168.1.7",), ("192.168.1.7", "fd12::7"), ("192.168.1.7",)),
        (
            ("::",),
            ("127.0.0.1", "192.168.1.7"),
            ("192.168.1.7", "fd12::7", "127.0.0.1"),
            ("127.0.0.1", "192.168.1.7"),
        ),
    ],
)
def test_addresses_are_bound_and_told(
    host: tuple[str, ...],
    advertise: tuple[str, ...],
    udp: tuple[str, ...],
    candidates: tuple[str, ...],
) -> None:
    reach = plan_reach(host, advertise, MACHINE)
    assert (reach.tcp, reach.udp, reach.candidates) == (host, udp, candidates)


def test_a_machine_without_a_network_uses_loopback() -> None:
    assert plan_reach(("::",), (), OFFLINE).udp == ("127.0.0.1", "::1")


def test_a_machine_without_ipv4_cannot_listen_on_every_ipv4_address() -> None:
    with pytest.raises(ReachError, match="no address of that kind"):
        plan_reach(("0.0.0.0",), (), MACHINE[1:2])


def test_an_ipv6_address_stands_in_brackets_in_a_url() -> None:
    assert plan_reach(("fd12::7",), (), MACHINE).shown_host == "[fd12::7]"


def test_a_host_name_is_resolved() -> None:
    assert "127.0.0.1" in resolve_host("localhost")


def test_an_unknown_host_name_is_refused_in_words() -> None:
    with pytest.raises(ReachError, match="neither an address nor a name"):
        resolve_host("a..b")


def test_a_port_that_browsers_refuse_is_refused_in_words() -> None:
    reach = plan_reach(("192.168.1.7",), (), MACHINE)
    require_usable(reach, 8443)
    with pytest.raises(ReachError, match="Use 8443"):
        require_usable(reach, 443)
    require_usable(plan_reach(("192.168.1.7",), ("203.0.113.5",), MACHINE), 443)

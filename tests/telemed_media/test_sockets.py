"""One port number for TCP and UDP, on real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from telemed_media.reach import Reach, ReachError
from telemed_media.sockets import claim_port

LOCAL = Reach(tcp=("127.0.0.1",), udp=("127.0.0.1",), candidates=("127.0.0.1",))


@pytest.fixture
def taken_udp_port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        yield udp.getsockname()[1]


def test_port_0_takes_a_number_that_is_free_on_both() -> None:
    port, listening = claim_port(LOCAL, 0)
    with listening[0], socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", port))
        assert listening[0].getsockname() == ("127.0.0.1", port)


def test_every_wildcard_listens_for_ipv4_too() -> None:
    port, listening = claim_port(Reach(("::",), ("127.0.0.1",), ("127.0.0.1",)), 0)
    with listening[0], socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_all_addresses_get_the_same_number() -> None:
    both = Reach(("127.0.0.1", "::1"), ("127.0.0.1", "::1"), ("127.0.0.1",))
    port, listening = claim_port(both, 0)
    assert {each.getsockname()[1] for each in listening} == {port}
    for each in listening:
        each.close()


def test_a_taken_udp_port_is_told_in_words(taken_udp_port: int) -> None:
    with pytest.raises(ReachError, match=f"UDP port {taken_udp_port} on 127.0.0.1 cannot be used"):
        claim_port(LOCAL, taken_udp_port)


def test_an_address_of_another_machine_is_told_in_words() -> None:
    foreign = Reach(("203.0.113.9",), ("203.0.113.9",), ("203.0.113.9",))
    with pytest.raises(ReachError, match=r"TCP port 0 on 203.0.113.9 cannot be used"):
        claim_port(foreign, 0)

"""Who the client is, with and without proxies."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemed_media.listener import Client, ClientFinder

PROXY = "10.0.0.1"
FINDER = ClientFinder(("10.0.0.0/24",), ("192.168.1.7",))


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("198.51.100.4", (), Client("198.51.100.4", local=False)),
        ("::ffff:198.51.100.4", (), Client("198.51.100.4", local=False)),
        ("fe80::1%eth0", (), Client("fe80::1", local=False)),
        ("127.0.0.1", (), Client("127.0.0.1", local=True)),
        ("192.168.1.7", (), Client("192.168.1.7", local=True)),
        # only a trusted proxy is believed, and only its own word
        ("198.51.100.4", ("203.0.113.9",), Client("198.51.100.4", local=False)),
        (PROXY, ("203.0.113.9",), Client("203.0.113.9", local=False)),
        (PROXY, ("127.0.0.1, 203.0.113.9",), Client("203.0.113.9", local=False)),
        (PROXY, ("203.0.113.9, 10.0.0.2",), Client("203.0.113.9", local=False)),
        (PROXY, ("203.0.113.9", "10.0.0.2"), Client("203.0.113.9", local=False)),
        (PROXY, ("nonsense",), Client("", local=False)),
        (PROXY, ("127.0.0.1",), Client("127.0.0.1", local=False)),
        # a proxy on this machine that nobody declared: its clients are not the machine itself
        ("127.0.0.1", ("203.0.113.9",), Client("127.0.0.1", local=False)),
        (None, (), Client("", local=False)),
    ],
)
def test_the_client_is_found(
    remote: str | None, forwarded: tuple[str, ...], client: Client
) -> None:
    assert FINDER.find(remote, forwarded) == client


@given(st.text(max_size=50), st.lists(st.text(max_size=50), max_size=4))
def test_no_header_makes_a_proxied_client_local_or_something_that_is_no_address(
    remote: str, forwarded: list[str]
) -> None:
    for peer in (remote, PROXY, "127.0.0.1"):
        client = FINDER.find(peer, forwarded)
        assert client.address == "" or ipaddress.ip_address(client.address)
        assert not (client.local and forwarded)

"""Which of the machine's addresses are offered to others."""

from __future__ import annotations

import ipaddress

import pytest

from certs.addresses import InterfaceAddress, loopback, own_names, reachable, read_interfaces

LAPTOP = (
    InterfaceAddress("lo", "127.0.0.1"),
    InterfaceAddress("lo", "::1"),
    InterfaceAddress("eth0", "fd12:3456::7"),
    InterfaceAddress("eth0", "2001:db8::7"),
    InterfaceAddress("eth0", "fe80::1"),
    InterfaceAddress("eth0", "192.168.1.7"),
    InterfaceAddress("wlan0", "10.1.2.3"),
    InterfaceAddress("wlan0", "169.254.3.4"),
    InterfaceAddress("docker0", "172.17.0.1"),
    InterfaceAddress("br-4f2a", "172.18.0.1"),
    InterfaceAddress("virbr0", "192.168.122.1"),
    InterfaceAddress("veth12ab", "172.19.0.1"),
)


def test_others_reach_us_by_private_local_and_global_addresses() -> None:
    assert reachable(LAPTOP) == ("192.168.1.7", "10.1.2.3", "fd12:3456::7", "2001:db8::7")


def test_loopback_is_told_apart() -> None:
    assert loopback(LAPTOP) == ("127.0.0.1", "::1")


def test_an_address_on_two_interfaces_is_named_once() -> None:
    twice = (InterfaceAddress("eth0", "10.0.0.1"), InterfaceAddress("eth1", "10.0.0.1"))
    assert reachable(twice) == ("10.0.0.1",)


def test_the_real_machine_has_readable_addresses() -> None:
    found = read_interfaces()
    assert loopback(found)
    assert all(ipaddress.ip_address(address) for address in reachable(found))


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("ward3", ("ward3", "ward3.local")),
        ("Ward3.Clinic.example", ("ward3.clinic.example",)),
        ("localhost", ()),
        ("not_a_name", ()),
    ],
)
def test_the_host_name_becomes_certificate_names(
    host: str, names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert own_names() == names

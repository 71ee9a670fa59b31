"""Browsers are told of no candidate for which they would refuse the others."""

from __future__ import annotations

import pytest

from sfu.core.candidates import taken_by_browsers
from sfu.core.description import Candidate


@pytest.mark.parametrize(
    ("address", "port", "is_taken"),
    (
        ("192.168.1.7", 8443, True),
        ("192.168.1.7", 443, False),
        ("fd12::7", 443, False),
        ("203.0.113.5", 443, True),
        ("2001:db8::5", 80, True),
        ("203.0.113.5", 853, False),
    ),
)
def test_privileged_ports_are_told_only_where_browsers_take_them(
    address: str, port: int, is_taken: bool
) -> None:
    always = Candidate("192.168.1.7", 8443)
    one = Candidate(address, port, "tcp")
    assert taken_by_browsers((one, always)) == ((one, always) if is_taken else (always,))

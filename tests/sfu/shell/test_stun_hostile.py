"""Binding requests changed on the way, with aioice's own reader as a second opinion."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from aioice import stun as oracle
from hypothesis import given
from hypothesis import strategies as st

from sfu.shell.stun import MAX_REQUEST_BYTES, Request, StunError, peek_user
from tests.hostile import examples, grows_linearly, mutated
from tests.sfu.shell.test_stun import PASSWORD, check, with_attribute

GOLDEN = [
    check(),
    check(PRIORITY=1, ICE_CONTROLLING=7, USE_CANDIDATE=None),
    check(user="12345678:abcdefgh", SOFTWARE="odd", XOR_MAPPED_ADDRESS=("fd98::7", 5)),
    with_attribute(check(), 0xC057, b"12345"),
]
users = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200)
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
odd_attributes = st.tuples(st.integers(0x7001, 0x7FFF) | st.just(0x0013), st.binary(max_size=30))


def accepted(data: bytes) -> Request | None:
    try:
        return Request(data, PASSWORD)
    except StunError:
        return None


def accepted_by_aioice(data: bytes) -> oracle.Message | None:
    try:
        message = oracle.parse_message(data)
    except (ValueError, KeyError, IndexError, struct.error):
        return None
    return message if message.check_message_integrity(PASSWORD.encode()) else None


@given(users, st.booleans(), st.none() | odd_attributes)
def test_a_request_that_aioice_wrote_is_read(
    user: str, nominated: bool, odd: tuple[int, bytes] | None
) -> None:
    extra: dict[str, Any] = {"USE_CANDIDATE": None} if nominated else {}
    data = check(user=user, **extra)
    data = with_attribute(data, *odd) if odd else data
    assert peek_user(data) == user.partition(":")[0]
    assert Request(data, PASSWORD).nominated is nominated
    with pytest.raises(StunError):
        Request(data, PASSWORD + "x")


@given(addresses, st.integers(0, 65_535))
def test_every_address_is_told_as_aioice_reads_it(address: str, port: int) -> None:
    answer = Request(GOLDEN[0], PASSWORD).response((address, port), PASSWORD)
    read = oracle.parse_message(answer)
    assert read.attributes["XOR-MAPPED-ADDRESS"] == (address, port)
    assert read.check_message_integrity(PASSWORD.encode())
    assert read.transaction_id == GOLDEN[0][8:20]


def attributes_end_inside(data: bytes) -> bool:
    """aioice takes an integrity that says it is longer than what is left."""
    at = 20
    while at + 4 <= len(data):
        at += 4 + (int.from_bytes(data[at + 2 : at + 4]) + 3 & ~3)
    return at <= len(data)


@examples(400)
@given(mutated(GOLDEN, max_bytes=MAX_REQUEST_BYTES))
def test_a_changed_request_is_refused_or_means_what_aioice_reads(data: bytes) -> None:
    user = peek_user(data)
    assert user is None or len(user) <= len(data)
    request, second = accepted(data), accepted_by_aioice(data)
    if request is not None and second is not None:
        assert request.nominated == ("USE-CANDIDATE" in second.attributes)
    if request is None and second is not None and attributes_end_inside(data):
        assert second.message_class != oracle.Class.REQUEST


@pytest.mark.parametrize("data", GOLDEN, ids=range(len(GOLDEN)))
def test_no_bit_that_the_integrity_covers_can_be_flipped(data: bytes) -> None:
    for bit in range(8 * (len(data) - 8)):  # FINGERPRINT is not covered
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert accepted(bytes(flipped)) is None
    for end in range(len(data)):
        peek_user(data[:end])
        assert accepted(data[:end]) is None


@pytest.mark.parametrize(
    "kind", [oracle.Class.RESPONSE, oracle.Class.ERROR, oracle.Class.INDICATION]
)
def test_what_is_no_request_is_refused_even_with_the_right_key(kind: oracle.Class) -> None:
    message = oracle.Message(oracle.Method.BINDING, kind)
    message.add_message_integrity(PASSWORD.encode())
    assert accepted(bytes(message)) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["00000000", "7001ffff", "00250000", "00080000", "70010001ff000000"]
)
def test_a_datagram_full_of_attributes_costs_linear_time(unit: str) -> None:
    def read(attributes: bytes) -> object:
        head = (
            b"\x00\x01" + (len(attributes) & 0xFFFF).to_bytes(2) + b"\x21\x12\xa4\x42" + bytes(12)
        )
        return peek_user(head + attributes[:500]), accepted(head + attributes)

    assert grows_linearly(read, bytes.fromhex(unit))

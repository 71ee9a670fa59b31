"""STUN messages in general, against aioice's codec."""

from __future__ import annotations

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.turn.message import (
    MAX_ATTRIBUTES,
    Address,
    Attribute,
    Class,
    Method,
    StunError,
    build,
    pack_address,
    parse,
    read_address,
)
from tests.hostile import examples

KEY = b"k" * 16
TRANSACTION = bytes(range(12))
GOOD = build(Method.ALLOCATE, Class.REQUEST, TRANSACTION, [(Attribute.USERNAME, b"alice")], KEY)


@pytest.mark.parametrize("method", [stun.Method.BINDING, stun.Method.CHANNEL_BIND])
@pytest.mark.parametrize("kind", list(stun.Class))
def test_what_another_wrote_is_read_alike(method: stun.Method, kind: stun.Class) -> None:
    written = stun.Message(method, kind)
    written.attributes["USERNAME"] = "alice"
    written.add_message_integrity(KEY)
    message = parse(bytes(written))
    assert (message.method, message.kind) == (method, kind)
    assert message.transaction == written.transaction_id
    assert message.text(Attribute.USERNAME) == "alice"
    assert message.is_signed_with(KEY)
    assert not message.is_signed_with(b"another")


def test_what_we_write_another_reads_alike() -> None:
    message = stun.parse_message(GOOD)
    assert message.message_method is stun.Method.ALLOCATE
    assert message.attributes["USERNAME"] == "alice"
    assert message.check_message_integrity(KEY)


def test_what_is_not_signed_is_signed_with_no_key() -> None:
    message = parse(build(Method.REFRESH, Class.REQUEST, TRANSACTION, []))
    assert not message.is_signed_with(KEY)


def test_nothing_behind_the_integrity_is_read() -> None:
    behind = b"\x00\x0d\x00\x04" + bytes(4)
    longer = GOOD[:2] + (len(GOOD) - 20 + 8).to_bytes(2) + GOOD[4:] + behind
    message = parse(longer)
    assert message.get(Attribute.LIFETIME) is None
    assert message.is_signed_with(KEY)


@examples(100)
@given(st.ip_addresses(), st.integers(0, 65_535), st.binary(min_size=12, max_size=12))
def test_addresses_come_back(host: object, port: int, transaction: bytes) -> None:
    address = Address(str(host), port)
    assert read_address(pack_address(address, transaction), transaction) == address
    assert address.family in (4, 6)


@pytest.mark.parametrize("value", [b"", b"\0\1\0\0", b"\0\2" + bytes(6), b"\0\3" + bytes(6)])
def test_what_is_no_address_is_an_error(value: bytes) -> None:
    with pytest.raises(StunError):
        read_address(value, TRANSACTION)


@pytest.mark.parametrize(
    "data",
    [
        GOOD[:19],
        GOOD + bytes(4),
        b"\x80" + GOOD[1:],
        GOOD[:4] + bytes(4) + GOOD[8:],
        b"\x00\x03\x00\x04" + GOOD[4:20] + b"\x00\x06\x00\x05",
        b"\x00\x03\x00\x04" + GOOD[4:20] + b"\x00\x08\x00\x00",
        bytes(2049),
        build(1, 0, TRANSACTION, [(Attribute.SOFTWARE, b"")] * (MAX_ATTRIBUTES + 1)),
    ],
    ids=["short", "long", "type", "cookie", "cut", "integrity", "huge", "many"],
)
def test_what_is_no_message_is_an_error(data: bytes) -> None:
    with pytest.raises(StunError):
        parse(data)


def test_kinds_that_must_be_understood_are_told() -> None:
    attributes = [(0x18, b""), (0x8055, b""), (0x18, b""), (0x1234, b"x")]
    assert parse(build(3, 0, TRANSACTION, attributes)).unknown() == [0x18, 0x1234]

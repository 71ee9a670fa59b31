"""A stranger's bytes become a message, a clear error or garbage; nothing else."""

from __future__ import annotations

import json
import string

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signaling.core import messages as m
from signaling.core import wire
from signaling.core.names import MAX_NAME_CHARS, printable

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
TYPES = [kind.__struct_config__.tag for kind in m.ClientMessage.__args__]
FIELDS = sorted({name for kind in m.ClientMessage.__args__ for name in kind.__struct_fields__})


def read(frame: bytes) -> m.ClientMessage | None:
    try:
        return wire.decode(frame)
    except (wire.Garbage, wire.Malformed):
        return None


@given(st.binary(max_size=300))
@example(b"[" * 100_000)
@example(b'{"a":' * 50_000)
@example(b'{"type":"ping","x":' + b"[" * 50_000)
@example(b'"\xff"')
@example(b'{"type":"\\ud800"}')
def test_any_bytes_are_survived(frame: bytes) -> None:
    read(frame)


@given(JSON)
def test_any_json_is_survived(value: object) -> None:
    read(json.dumps(value).encode())


@given(st.sampled_from(TYPES), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_fields_of_a_known_message_are_survived(kind: str, fields: dict[str, object]) -> None:
    read(json.dumps({"type": kind, **fields}).encode())


def test_an_error_names_the_request_or_the_offer() -> None:
    with pytest.raises(wire.Malformed) as chat:
        wire.decode(b'{"type":"chat","request":7,"key":"short","text":"hello"}')
    assert (chat.value.error.code, chat.value.error.request) == ("bad_message", 7)
    with pytest.raises(wire.Malformed) as offer:
        wire.decode(b'{"type":"offer","id":3,"sdp":"","publish":{},"slots":[]}')
    assert (offer.value.error.request, offer.value.error.offer) == (None, 3)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"type":"ping","more":1}',
        b'{"type":"mute","request":1,"participant":"p","source":"speaker"}',
        b'{"type":"view","slots":[{"slot":32,"width":1,"height":1}]}',
        b'{"type":"slot_ready","slot":0,"epoch":-1}',
        b'{"type":"chat","request":1,"key":"0123456789abcdef","text":""}',
        b'{"type":"chat","request":1,"key":"0123456789abcdef\\n","text":"a"}',
        b'{"type":"admit","request":1,"participant":"p\\n"}',
        b'{"type":"unheard_of"}',
        b"{}",
        b"[]",
    ],
)
def test_what_is_not_in_the_protocol_is_refused(frame: bytes) -> None:
    with pytest.raises(wire.Malformed):
        wire.decode(frame)


def test_a_server_message_reads_back() -> None:
    message = m.Error("rate_limit", "Slower.", request=1)
    assert msgspec.json.decode(wire.encode(message), type=m.ServerMessage) == message


@given(st.text())
def test_names_are_short_and_printable(text: str) -> None:
    name = printable(text, MAX_NAME_CHARS)
    assert len(name) <= MAX_NAME_CHARS
    assert name == name.strip()
    assert not set(name) & set("\x00\n\r\t\u202e\u2066\u200f")


def test_a_plain_name_stays() -> None:
    name = "Dr. Zoë 李  O'Neil" + string.digits
    assert printable(name, 64) == name.replace("  ", " ")

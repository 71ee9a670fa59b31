"""Every message built from its own type reads back; changed ones are refused with an answer."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.core import messages as m
from signaling.core import wire
from tests.hostile import examples, grows_linearly, mutated

ids = st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True)
mids = st.from_regex(r"[A-Za-z0-9_.:-]{1,16}", fullmatch=True)
keys = st.from_regex(r"[A-Za-z0-9_-]{16,64}", fullmatch=True)
numbers = st.integers(0, 2**31 - 1)
indices, pixels = st.integers(0, 31), st.integers(0, 16_384)
sources = st.sampled_from(["microphone", "camera", "screen"])
texts = st.text(min_size=1, max_size=40)
people = {"request": numbers, "participant": ids}
slots = st.builds(m.OfferSlot, st.none() | mids, st.none() | mids, st.booleans())
views = st.builds(m.ViewedSlot, indices, pixels, pixels, st.integers(0, 10))
received = st.builds(m.Received, indices, st.none() | numbers, st.floats(0, 1), st.none() | numbers)
FIELDS: dict[type[m.Message], dict[str, st.SearchStrategy[object]]] = {
    m.Hello: {
        "version": st.integers(-(2**62), 2**62),
        "token": st.none() | st.text(min_size=16, max_size=40),
        "seat": st.none() | keys,
        "seen_chat": st.none() | ids,
    },
    m.Offer: {
        "id": numbers,
        "sdp": texts,
        "publish": st.dictionaries(sources, mids),
        "slots": st.lists(slots, max_size=32).map(tuple),
    },
    m.View: {"slots": st.lists(views, max_size=32).map(tuple)},
    m.SlotReady: {"slot": indices, "epoch": numbers},
    m.Media: dict.fromkeys(("microphone", "camera", "screen"), st.booleans()),
    m.Active: {"state": st.sampled_from(["active", "background", "interrupted"])},
    m.Experience: {
        "microphone": st.sampled_from(["ok", "silent", "off"]),
        "camera": st.sampled_from(["ok", "black", "off"]),
        "sound_blocked": st.booleans(),
        "slots": st.lists(received, max_size=32).map(tuple),
    },
    m.RenewIce: {},
    m.Ping: {},
    m.Chat: {"request": numbers, "key": keys, "text": texts},
    m.Admit: people,
    m.Deny: people,
    m.Mute: {**people, "source": sources},
    m.Remove: people,
    m.Lock: {"request": numbers, "locked": st.booleans()},
    m.End: {"request": numbers},
    m.Leave: {"request": numbers},
}
built = st.sampled_from(sorted(FIELDS, key=lambda kind: kind.__name__)).flatmap(
    lambda kind: st.builds(kind, **FIELDS[kind])
)
GOLDEN = [
    b'{"type":"hello","version":1,"token":"0123456789abcdef","seen_chat":"c1"}',
    b'{"type":"offer","id":3,"sdp":"v=0","publish":{"camera":"1"},"slots":[{"video":"2"}]}',
    b'{"type":"view","slots":[{"slot":0,"width":640,"height":360,"priority":1}]}',
    b'{"type":"chat","request":7,"key":"0123456789abcdef","text":"Gr\\u00fc\\u00dfe \xe2\x9c\x93"}',
    b'{"type":"media","microphone":true,"camera":false,"screen":false}',
]


def test_every_message_that_a_client_may_send_is_built_here() -> None:
    assert set(FIELDS) == set(m.ClientMessage.__args__)
    assert all(set(FIELDS[kind]) == set(kind.__struct_fields__) for kind in FIELDS)


@given(built)
def test_every_message_reads_back(message: m.ClientMessage) -> None:
    assert wire.decode(msgspec.json.encode(message)) == message


def check_reading(frame: bytes) -> None:
    """Garbage, an answer that can be sent, or a message within its limits."""
    try:
        message = wire.decode(frame)
    except wire.Garbage:
        return
    except wire.Malformed as refused:
        answer = json.loads(wire.encode(refused.error))
        assert answer["code"] == "bad_message"
        assert len(answer["message"]) <= 200
        return
    assert wire.decode(msgspec.json.encode(message)) == message


@examples(400)
@given(mutated(GOLDEN))
def test_no_changed_frame_raises_anything_else(frame: bytes) -> None:
    check_reading(frame)


@pytest.mark.parametrize("frame", GOLDEN)
def test_every_cut_and_every_changed_byte_is_survived(frame: bytes) -> None:
    for end in range(len(frame)):
        check_reading(frame[:end])
    for at in range(len(frame)):
        for value in b'\x00"\\{}[]:,0e-\xff':
            check_reading(frame[:at] + bytes((value,)) + frame[at + 1 :])


@pytest.mark.parametrize("digits", ["9" * 30, "-1", "1e400", "1.0", "9" * 5_000, "0x1", "NaN"])
def test_a_number_that_is_no_request_number_is_refused(digits: str) -> None:
    check_reading(b'{"type":"end","request":%b}' % digits.encode())
    with pytest.raises((wire.Garbage, wire.Malformed)):
        wire.decode(b'{"type":"end","request":%b}' % digits.encode())


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", [b"[", b'{"a":', b'"a",', b'"\\u0041",', b"1,", b" ", b'{"slot":0},']
)
@pytest.mark.parametrize("head", [b'{"type":"view","slots":[', b"", b'{"type":"ping","x":['])
def test_the_longest_frame_costs_linear_time(head: bytes, unit: bytes) -> None:
    assert grows_linearly(check_reading, unit, head)

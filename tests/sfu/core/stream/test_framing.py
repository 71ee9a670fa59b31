"""Packets come out of a stream as they went in, however it was cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.stream.framing import (
    MAX_PACKET_BYTES,
    Deframer,
    FramingError,
    Measure,
    frame,
    measure_frame,
    measure_turn,
)
from tests.hostile import examples, mutated

PACKETS = st.lists(st.binary(min_size=1, max_size=300), max_size=8)
STUN = b"\x00\x01\x00\x04\x21\x12\xa4\x42" + bytes(12) + b"\x80\x22\x00\x00"
CHANNEL = b"\x40\x00\x00\x05hello"
BOTH = [frame(STUN) + frame(b"\x80" * 40), STUN + CHANNEL + b"\0\0\0" + STUN]


def pieces(draw: st.DataObject, data: bytes) -> list[bytes]:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@examples(100)
@given(PACKETS, st.data())
def test_frames_come_out_whole(packets: list[bytes], draw: st.DataObject) -> None:
    frames = Deframer(measure_frame)
    stream = b"".join(frame(packet) for packet in packets)
    found = [packet for piece in pieces(draw, stream) for packet in frames.feed(piece)]
    assert found == packets


@examples(50)
@given(st.data())
def test_turn_messages_come_out_whole_and_without_their_padding(draw: st.DataObject) -> None:
    messages = Deframer(measure_turn)
    stream = STUN + CHANNEL + bytes(3) + STUN
    found = [each for piece in pieces(draw, stream) for each in messages.feed(piece)]
    assert found == [STUN, CHANNEL, STUN]


def test_an_empty_frame_is_nothing() -> None:
    assert Deframer(measure_frame).feed(bytes(2) + frame(b"x")) == [b"x"]


@pytest.mark.parametrize(
    ("measure", "start"),
    [
        (measure_frame, (MAX_PACKET_BYTES + 1).to_bytes(2)),
        (measure_turn, b"\x00\x01\xff\xfc"),
        (measure_turn, b"\x40\x00\xff\xff"),
        (measure_turn, b"\x00\x01\x00\x03"),
        (measure_turn, b"GET "),
        (measure_turn, b"\x80\x60\x00\x00"),
    ],
)
def test_a_stream_of_something_else_is_given_up_at_its_header(
    measure: Measure, start: bytes
) -> None:
    with pytest.raises(FramingError):
        Deframer(measure).feed(start)


@examples(300)
@given(mutated(BOTH), st.data())
def test_whatever_comes_a_stream_keeps_less_than_one_packet(
    stream: bytes, draw: st.DataObject
) -> None:
    for measure in (measure_frame, measure_turn):
        frames = Deframer(measure)
        try:
            for piece in pieces(draw, stream):
                assert all(len(each) <= MAX_PACKET_BYTES for each in frames.feed(piece))
                assert len(frames._rest) <= MAX_PACKET_BYTES + 4
        except FramingError:
            pass

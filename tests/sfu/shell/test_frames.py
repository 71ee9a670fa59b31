"""Frames on the worker's socket: whole ones, the end, and broken ones."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu import api
from sfu.shell.frames import MAX_FRAME_BYTES, read_frame, write_frame


class Wire:
    """Stands in for a StreamWriter: what was written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data


def read_all(data: bytes, pieces: int = 1) -> list[bytes]:
    """Every frame up to the end of the stream, which comes in pieces."""

    async def run() -> list[bytes]:
        reader = asyncio.StreamReader()
        size = -(-len(data) // pieces)
        for at in range(0, len(data), size or 1):
            reader.feed_data(data[at : at + size])
        reader.feed_eof()
        frames = []
        while (frame := await read_frame(reader)) is not None:
            frames.append(frame)
        return frames

    return asyncio.run(run())


def framed(*bodies: bytes) -> bytes:
    return b"".join(len(body).to_bytes(4) + body for body in bodies)


requests = st.builds(
    api.Request,
    st.integers(0, 2**31),
    st.one_of(
        st.builds(api.OpenRoom, st.text(max_size=20)),
        st.builds(api.SetMuted, st.text(max_size=20), st.just("camera"), st.booleans()),
        st.builds(api.GetPeers),
    ),
)


@given(st.lists(requests, max_size=5))
def test_what_is_written_is_read_back(sent: list[api.Request]) -> None:
    wire = Wire()
    for request in sent:
        write_frame(wire, request)  # type: ignore[arg-type]
    assert [msgspec.msgpack.decode(f, type=api.Request) for f in read_all(wire.data)] == sent


@given(st.lists(st.binary(max_size=40), max_size=4), st.integers(1, 9))
def test_frames_may_come_in_pieces_and_be_empty(bodies: list[bytes], pieces: int) -> None:
    assert read_all(framed(*bodies), pieces) == bodies


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.data())
def test_a_stream_that_ends_inside_a_frame_is_broken(
    bodies: list[bytes], data: st.DataObject
) -> None:
    whole = framed(*bodies)
    start = len(whole) - len(bodies[-1]) - 4
    cut = data.draw(st.integers(start + 1, len(whole) - 1))
    with pytest.raises(ConnectionError, match="cut off"):
        read_all(whole[:cut])


def test_a_stream_that_ends_behind_a_length_is_broken() -> None:
    with pytest.raises(ConnectionError, match="cut off"):
        read_all(b"\x00\x00\x00\x05")


@given(st.integers(MAX_FRAME_BYTES + 1, 2**32 - 1), st.binary(max_size=20))
def test_a_frame_that_is_too_long_is_refused_before_it_is_read(size: int, body: bytes) -> None:
    with pytest.raises(ConnectionError, match="too long"):
        read_all(size.to_bytes(4) + body)


def test_the_longest_frame_is_read() -> None:
    body = bytes(MAX_FRAME_BYTES)
    assert read_all(framed(body)) == [body]


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_connection_errors(data: bytes) -> None:
    try:
        frames = read_all(data)
    except ConnectionError:
        return
    assert framed(*frames) == data

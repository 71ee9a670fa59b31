"""Redundant audio payloads: what was packed is unpacked; what is broken is refused (RFC 2198)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp import red
from sfu.core.rtp.header import RtpError

EARLIER = st.lists(
    st.tuples(st.integers(1, red.MAX_OFFSET), st.binary(min_size=1, max_size=red.MAX_BYTES)),
    max_size=red.MAX_EARLIER,
)


@given(st.integers(0, 127), st.binary(max_size=300), EARLIER)
def test_what_was_packed_is_unpacked(
    payload_type: int, primary: bytes, earlier: list[tuple[int, bytes]]
) -> None:
    blocks = red.unpack(red.pack(payload_type, primary, earlier))
    assert [(block.offset, block.data) for block in blocks] == [*earlier, (0, primary)]
    assert {block.payload_type for block in blocks} == {payload_type}


def test_the_example_of_a_browser_is_read() -> None:
    payload = bytes.fromhex("ef0f0003 6f") + b"abc" + b"defg"
    assert red.unpack(payload) == [red.Block(111, 960, b"abc"), red.Block(111, 0, b"defg")]


def test_what_does_not_fit_into_a_header_is_left_out() -> None:
    earlier = [(red.MAX_OFFSET + 1, b"old"), (960, b"x" * 1024), (0, b"now"), (960, b"")]
    assert red.pack(111, b"primary", earlier) == b"\x6fprimary"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes.fromhex("ef0f0003"),  # no primary block
        bytes.fromhex("ef0f00"),  # a cut header
        bytes.fromhex("ef0f0003 6f") + b"ab",  # a cut block
        bytes.fromhex("ef0f0001") * (red.MAX_EARLIER + 1) + b"\x6f" + b"abcde",
    ],
)
def test_a_broken_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(RtpError):
        red.unpack(payload)


@given(st.binary(max_size=100))
def test_any_payload_is_read_or_refused(payload: bytes) -> None:
    try:
        blocks = red.unpack(payload)
    except RtpError:
        return
    assert sum(len(block.data) for block in blocks) < len(payload)

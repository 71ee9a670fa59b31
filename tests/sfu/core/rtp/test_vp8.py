"""The VP8 payload descriptor in every form that RFC 7741 allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp import vp8
from sfu.core.rtp.header import RtpError
from tests.hostile import examples, mutated

KEYFRAME, INTERFRAME = b"\x10\x02\x00\x9d\x01\x2a", b"\x11\x02\x00"


def descriptor(
    picture_id: tuple[int, int] | None,
    tl0picidx: int | None,
    layers: tuple[bool, bool, int],
    first: int = 0x10,
) -> bytes:
    """`picture_id` is (value, bits); `layers` is (T, K, byte)."""
    has_tid, has_keyidx, layer_byte = layers
    flags = (picture_id is not None) << 7 | (tl0picidx is not None) << 6
    flags |= has_tid << 5 | has_keyidx << 4
    if not flags:
        return bytes((first,))
    out = bytes((first | 0x80, flags))
    if picture_id is not None:
        value, bits = picture_id
        out += bytes((value,)) if bits == 7 else (value | 0x8000).to_bytes(2)
    if tl0picidx is not None:
        out += bytes((tl0picidx,))
    return out + (bytes((layer_byte,)) if has_tid or has_keyidx else b"")


picture_ids = st.none() | st.one_of(
    st.tuples(st.integers(0, 0x7F), st.just(7)), st.tuples(st.integers(0, 0x7FFF), st.just(15))
)
tl0_indices = st.none() | st.integers(0, 255)
layer_bytes = st.tuples(st.booleans(), st.booleans(), st.integers(0, 255))
firsts = st.sampled_from([0x10, 0x00, 0x30, 0x13])


@given(picture_ids, tl0_indices, layer_bytes, firsts)
def test_every_form_of_the_descriptor_is_read(
    picture_id: tuple[int, int] | None,
    tl0picidx: int | None,
    layers: tuple[bool, bool, int],
    first: int,
) -> None:
    has_tid, has_keyidx, byte = layers
    raw = descriptor(picture_id, tl0picidx, layers, first)
    found = vp8.parse(b"head" + raw + KEYFRAME, 4)
    assert (found.picture_id, found.picture_id_bits) == (picture_id or (None, 0))
    assert found.tl0picidx == tl0picidx
    assert found.tid == (byte >> 6 if has_tid else None)
    assert found.layer_sync == (has_tid and bool(byte & 0x20))
    assert found.keyidx == (byte & 0x1F if has_keyidx else None)
    assert (found.start, found.partition) == (bool(first & 0x10), first & 0x07)
    assert found.length == len(raw)


@given(picture_ids, tl0_indices, layer_bytes)
def test_a_keyframe_is_known_behind_every_form_of_the_descriptor(
    picture_id: tuple[int, int] | None, tl0picidx: int | None, layers: tuple[bool, bool, int]
) -> None:
    raw = b"head" + descriptor(picture_id, tl0picidx, layers)
    assert vp8.is_keyframe(raw + KEYFRAME, 4)
    assert vp8.is_keyframe(raw + KEYFRAME[:1], 4)
    assert not vp8.is_keyframe(raw + INTERFRAME, 4)
    assert not vp8.is_keyframe(raw, 4)


@pytest.mark.parametrize("first", [0x00, 0x11, 0x13, 0x17])
def test_a_later_packet_or_partition_begins_no_keyframe(first: int) -> None:
    raw = descriptor((5, 15), 1, (True, False, 0), first)
    assert not vp8.is_keyframe(raw + KEYFRAME, 0)


def test_an_empty_payload_begins_no_keyframe() -> None:
    assert not vp8.is_keyframe(b"", 0)
    assert not vp8.is_keyframe(b"head", 4)


@given(picture_ids, tl0_indices, layer_bytes, st.integers(-70000, 70000), st.integers(-300, 300))
def test_rewriting_moves_only_the_two_counters_within_their_width(
    picture_id: tuple[int, int] | None,
    tl0picidx: int | None,
    layers: tuple[bool, bool, int],
    picture_id_delta: int,
    tl0_delta: int,
) -> None:
    moved_id = picture_id and (
        (picture_id[0] + picture_id_delta) % (1 << picture_id[1]),
        picture_id[1],
    )
    moved_tl0 = None if tl0picidx is None else (tl0picidx + tl0_delta) % 256
    source = b"head" + descriptor(picture_id, tl0picidx, layers) + KEYFRAME
    expected = descriptor(moved_id, moved_tl0, layers) + KEYFRAME
    assert vp8.rewrite(source, 4, picture_id_delta, tl0_delta) == expected


def test_a_descriptor_without_counters_is_left_alone() -> None:
    assert vp8.rewrite(b"\x10" + KEYFRAME, 0, 5, 5) == b"\x10" + KEYFRAME


@pytest.mark.parametrize("cut", ["", "90", "9080", "908081", "90c0", "90c001"])
def test_a_descriptor_cut_short_is_refused(cut: str) -> None:
    with pytest.raises(RtpError):
        vp8.parse(bytes.fromhex(cut), 0)
    if cut != "90c001":
        with pytest.raises(RtpError):
            vp8.rewrite(bytes.fromhex(cut), 0, 1, 1)


@given(st.binary(max_size=8))
def test_no_bytes_raise_anything_but_rtp_errors(payload: bytes) -> None:
    vp8.is_keyframe(payload, 0)
    try:
        found = vp8.parse(payload, 0)
    except RtpError:
        return
    assert found.length <= len(payload)
    assert vp8.rewrite(payload, 0, 0, 0) == payload


@given(st.integers(1, 0x3FFF), st.integers(0, 3))
def test_a_keyframe_tells_its_height(height: int, scale: int) -> None:
    size = (1280).to_bytes(2, "little") + (height | scale << 14).to_bytes(2, "little")
    for head in (b"\x10", descriptor((7, 15), 3, (True, False, 0x20))):
        packet = b"before" + head + KEYFRAME[1:3] + b"\x00" + KEYFRAME[3:] + size
        assert vp8.keyframe_height(packet, len(b"before")) == height


@pytest.mark.parametrize("packet", [b"\x10", KEYFRAME, b"\x10\x02\x00\x00" + bytes(20)])
def test_a_keyframe_without_a_readable_size_tells_none(packet: bytes) -> None:
    assert vp8.keyframe_height(packet, 0) == 0


@given(picture_ids, tl0_indices, st.tuples(st.booleans(), st.booleans(), st.integers(0, 255)))
def test_the_temporal_layer_is_what_the_descriptor_says(
    picture_id: tuple[int, int] | None, tl0picidx: int | None, layers: tuple[bool, bool, int]
) -> None:
    whole = descriptor(picture_id, tl0picidx, layers)
    told = layers[2] >> 6 if layers[0] else 0
    assert vp8.temporal_layer(whole + INTERFRAME, 0) == told
    assert vp8.temporal_layer(whole[: len(whole) - 1] if layers[0] else b"", 0) == 0


GOLDEN = [
    descriptor(picture_id, tl0picidx, layers) + KEYFRAME + b"\x00\x05\xd0\x02"
    for picture_id in (None, (5, 7), (0x1234, 15))
    for tl0picidx in (None, 9)
    for layers in ((False, False, 0), (True, True, 0xE5))
]


@examples(400)
@given(mutated(GOLDEN), st.integers(0, 60), st.integers(-70000, 70000), st.integers(-300, 300))
def test_no_changed_payload_raises_anything_but_rtp_errors(
    payload: bytes, offset: int, picture_id_delta: int, tl0_delta: int
) -> None:
    if vp8.is_keyframe(payload, offset):
        assert 0 <= vp8.keyframe_height(payload, offset) <= 0x3FFF
        assert vp8.parse(payload, offset).start
    try:
        found = vp8.parse(payload, offset)
    except RtpError:
        return
    assert offset + found.length <= len(payload)
    moved = vp8.rewrite(payload, offset, picture_id_delta, tl0_delta)
    assert len(moved) == len(payload) - offset
    assert vp8.rewrite(moved, 0, -picture_id_delta, -tl0_delta) == payload[offset:]
    assert moved[found.length :] == payload[offset + found.length :]


@pytest.mark.parametrize("payload", GOLDEN)
def test_every_cut_is_survived(payload: bytes) -> None:
    for end in range(len(payload)):
        vp8.is_keyframe(payload[:end], 0)
        try:
            vp8.parse(payload[:end], 0)
        except RtpError:
            continue
        assert vp8.rewrite(payload[:end], 0, 0, 0) == payload[:end]

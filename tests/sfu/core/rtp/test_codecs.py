"""Switch points of each codec, from payloads laid out as the RFCs show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp import codecs
from sfu.core.rtp.codecs import CODECS, audio_level, is_switch_point
from tests.hostile import examples, grows_linearly, mutated

HEAD = b"head"


def begins(codec: str, payload: str) -> bool:
    return is_switch_point(codec, HEAD + bytes.fromhex(payload), len(HEAD))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("65 88", True),  # IDR slice
        ("67 42", True),  # sequence parameter set
        ("68 ce", False),  # picture parameter set alone
        ("61 9a", False),  # slice of another picture
        ("7c 85 88", True),  # first fragment of an IDR slice
        ("7c 05 88", False),  # a later one
        ("7c 87 42", True),  # first fragment of a parameter set
        ("7c 81 9a", False),  # first fragment of another picture
        ("78 0002 6742 0002 68ce 0002 6588", True),
        ("78 0002 09f0 0002 68ce 0002 6588", True),  # delimiter and PPS before the IDR slice
        ("78 0002 09f0 0002 619a", False),
        ("78 0000 0002 6588", True),  # an empty unit is walked over
        ("78 0000 0501 619a", False),  # and what follows it is not taken for its contents
        ("78 ffff 61", False),  # a unit longer than the packet
        ("78", False),
        ("65", False),
    ],
)
def test_h264_is_switched_at_an_idr_picture_or_its_parameter_set(
    payload: str, expected: bool
) -> None:
    assert begins("H264", payload) == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("08 82", True),  # begins a frame, not predicted
        ("48 82", False),  # predicted from an earlier frame
        ("04 82", False),  # ends a frame
        ("88 05 82", True),  # 7-bit picture id
        ("88 8123 82", True),  # 15-bit picture id
        ("a8 8123 00 05 82", True),  # layer indices: spatial layer 0
        ("a8 8123 02 05 82", False),  # spatial layer 1
        ("28 f1 05 82", True),  # any temporal layer, inter-layer bit is not the spatial layer
        ("a8 8123", False),
        ("88", False),
        ("08", False),  # nothing behind the descriptor
        ("88 05", False),
        ("88 8123", False),
    ],
)
def test_vp9_is_switched_where_an_unpredicted_frame_of_the_lowest_layer_begins(
    payload: str, expected: bool
) -> None:
    assert begins("VP9", payload) == expected


@pytest.mark.parametrize(
    ("payload", "expected"), [("18 0a", True), ("10 0a", False), ("98 0a", False), ("08", True)]
)
def test_av1_is_switched_where_a_coded_video_sequence_begins(payload: str, expected: bool) -> None:
    assert begins("AV1", payload) == expected


def test_vp8_is_switched_at_its_keyframes() -> None:
    assert begins("VP8", "10 02")
    assert not begins("VP8", "10 01")


def test_opus_is_switched_at_any_packet() -> None:
    assert begins("opus", "78")
    assert codecs.CODECS["opus"].clock_rate == 48_000


def test_an_unknown_codec_has_no_switch_point() -> None:
    assert not begins("H265", "26 01")


@pytest.mark.parametrize("codec", CODECS)
def test_an_empty_payload_is_no_switch_point(codec: str) -> None:
    assert not begins(codec, "")


@pytest.mark.parametrize("codec", CODECS)
@given(st.binary(max_size=24), st.integers(0, 26))
def test_no_payload_raises(codec: str, packet: bytes, offset: int) -> None:
    is_switch_point(codec, packet, offset)


def test_an_audio_level_is_seven_bits_below_full_scale_and_a_voice_bit() -> None:
    assert audio_level(b"\x85") == (5, True)
    assert audio_level(b"\x7f") == (127, False)
    assert audio_level(b"\x85\x00") == (5, True)
    assert audio_level(b"") == (127, False)


GOLDEN = [
    bytes.fromhex(payload)
    for payload in (
        "65 88 80 40",
        "7c 85 88 80",
        "78 0002 09f0 0002 68ce 0002 6588",
        "a8 8123 00 05 82 49 83",
        "88 05 82 49",
        "18 0a 0b 00",
        "90 80 81 23 02 00 9d 01 2a",
    )
]


@pytest.mark.parametrize("codec", CODECS)
@examples(200)
@given(mutated(GOLDEN), st.integers(0, 40))
def test_no_changed_payload_raises(codec: str, payload: bytes, offset: int) -> None:
    starts = is_switch_point(codec, payload, offset)
    assert starts in (True, False)
    assert not (starts and offset >= len(payload)), "an empty payload begins nothing"
    assert is_switch_point(codec, payload[offset:], 0) == starts, "what is before does not matter"


@given(st.binary(max_size=4))
def test_an_audio_level_is_in_its_range_whatever_the_element(element: bytes) -> None:
    level, voice = audio_level(element)
    assert 0 <= level <= 127
    assert voice == (element[:1] >= b"\x80")


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["0000", "0001 09", "0002 09f0"])
def test_an_aggregate_as_long_as_a_datagram_is_walked_in_linear_time(unit: str) -> None:
    def walk(payload: bytes) -> bool:
        return is_switch_point("H264", payload, 0)

    assert grows_linearly(walk, bytes.fromhex(unit), b"\x78")

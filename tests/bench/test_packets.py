"""What the generator sends looks like a browser's, and is recognised in what is delivered."""

from __future__ import annotations

from bench.packets import (
    AUDIO_PAYLOAD_BYTES,
    FRAMES_PER_S,
    LEVEL_ID,
    MID_ID,
    MID_PACKETS,
    TWCC_ID,
    VIDEO_PAYLOAD_BYTES,
    Stamp,
    Track,
    frame_sizes,
    stamp,
)
from sfu.core.rtp import header, vp8


def test_a_frame_begins_with_a_keyframe_and_ends_with_the_marker() -> None:
    packets = Track("video", "v", 7).frame(4, 1.0, 100)
    starts = [header.payload_offset(packet) for packet in packets]
    keyframes = [vp8.is_keyframe(p, s) for p, s in zip(packets, starts, strict=True)]
    assert keyframes == [True, False, False, False]
    assert vp8.keyframe_height(packets[0], starts[0]) == 360
    assert [header.marker(packet) for packet in packets] == [False, False, False, True]
    assert {header.timestamp(packet) for packet in packets} == {90_000}
    assert {len(p) - s for p, s in zip(packets, starts, strict=True)} == {VIDEO_PAYLOAD_BYTES}


def test_packets_are_numbered_for_the_stream_and_for_the_transport() -> None:
    track = Track("video", "v", 7)
    packets = [*track.frame(2, 0.0, 65_535), *track.frame(1, 0.1, 65_537)]
    assert [header.sequence_number(packet) for packet in packets] == [0, 1, 2]
    numbers = [header.extension(packet, TWCC_ID) for packet in packets]
    assert numbers == [b"\xff\xff", b"\0\0", b"\0\1"]
    assert {header.ssrc(packet) for packet in packets} == {7}


def test_the_mid_stands_on_the_first_packets_only() -> None:
    packets = Track("video", "v", 7).frame(MID_PACKETS + 1, 0.0, 0)
    assert [header.extension(p, MID_ID) for p in packets[-2:]] == [b"v", None]


def test_sound_tells_its_level() -> None:
    packet = Track("audio", "a", 7).sound(1.0, 5)
    assert header.extension(packet, LEVEL_ID) == bytes((0x80 | 30,))
    assert header.timestamp(packet) == 48_000
    assert len(packet) - header.payload_offset(packet) == AUDIO_PAYLOAD_BYTES


def test_a_delivered_packet_is_recognised_and_a_changed_one_is_not() -> None:
    for packet in (*Track("video", "v", 7).frame(2, 1.0, 0), Track("audio", "a", 8).sound(1.0, 0)):
        said = stamp(packet)
        assert said == Stamp(header.sequence_number(packet), header.timestamp(packet))
        assert stamp(packet[:-1] + bytes((packet[-1] ^ 1,))) is None


def test_a_rate_is_spread_evenly_over_the_frames() -> None:
    assert frame_sizes(120, 4) == [4, 4, 4, 4]
    assert sum(frame_sizes(100, 3 * FRAMES_PER_S)) == 300
    assert frame_sizes(15, 4) == [0, 1, 0, 1]

"""A stream moves from source to source: what its numbers do at the switch."""

from __future__ import annotations

import pytest

from sfu.core.estimation.sent_log import SendLog
from sfu.core.forwarder import switching
from sfu.core.forwarder.model import Segment, SenderClock, Source, Stream
from sfu.core.forwarder.pacing import Pacer
from sfu.core.forwarder.rule import FOREVER
from sfu.core.rtp import header, vp8
from tests.sfu.core.forwarder.packets import IDS, VP8, add_source, publisher, render, section
from tests.sim.world import rtp

Q_SSRC, H_SSRC = 1, 2


def layers() -> tuple[Source, Source]:
    track = publisher(section("1", "camera", ("q", "h"))).tracks["1"]
    return add_source(track, 0, Q_SSRC), add_source(track, 1, H_SSRC)


def stream() -> Stream:
    return Stream(
        1, "alice", "video", "4", 11, 12, (VP8,), IDS, True, SendLog(), Pacer(), next_seq=500
    )


def payload(picture_id: int, tl0: int | None = None, *, short: bool = False) -> bytes:
    """A keyframe's descriptor with 15 (or 7) bits of picture id, and TL0PICIDX where given."""
    number = bytes([picture_id]) if short else (0x8000 | picture_id).to_bytes(2)
    layer = b"" if tl0 is None else bytes([tl0])
    return bytes([0x90, 0x80 | (0x40 if layer else 0)]) + number + layer + b"\0frame"


def put(source: Source, seq: int, timestamp: int, body: bytes, at: float) -> bytes:
    packet = rtp(source.ssrc, seq, timestamp, body)
    source.ring.put(seq, packet, at)
    return packet


def move(to: Stream, source: Source, seq: int) -> bytes:
    """Switch at packet `seq`, send it, and return it as it was sent."""
    packet = source.ring.get(seq)
    assert packet is not None
    switching.settle(to)
    rule = switching.make_rule(to, source, seq, packet, 96)
    for segment in to.segments:
        switching.end(segment, to.sent.highest, 0.0)
    to.source = source
    to.segments.append(Segment(source, rule))
    to.sent.highest = max(to.sent.highest, seq + rule.seq_offset)
    return render(rule, packet, seq, 1)


def ids(packet: bytes) -> tuple[int | None, int | None]:
    found = vp8.parse(packet, header.payload_offset(packet))
    return found.picture_id, found.tl0picidx


def test_numbers_begin_where_the_stream_was_made_to_begin() -> None:
    quarter, _ = layers()
    put(quarter, 40_000, 7, payload(9), 1.0)
    out = move(stream(), quarter, 40_000)
    assert header.sequence_number(out) == 500
    assert ids(out) == (9, None), "the first source's picture ids are kept"


@pytest.mark.parametrize(
    ("last", "first", "tl0"), [(100, 5000, (7, 200)), (0x7FFF, 3, (255, 255)), (0, 0, (0, 0))]
)
def test_picture_id_and_tl0_go_on_at_last_and_one(
    last: int, first: int, tl0: tuple[int, int]
) -> None:
    to, (quarter, half) = stream(), layers()
    put(quarter, 10, 1000, payload(last, tl0[0]), 1.0)
    put(half, 90, 77, payload(first, tl0[1]), 1.1)
    move(to, quarter, 10)
    out = move(to, half, 90)
    assert header.sequence_number(out) == 501
    assert ids(out) == ((last + 1) & 0x7FFF, (tl0[0] + 1) & 0xFF)


def test_a_source_without_tl0_is_left_without() -> None:
    to, (quarter, half) = stream(), layers()
    put(quarter, 10, 1000, payload(5, 7), 1.0)
    put(half, 90, 77, payload(900), 1.1)
    move(to, quarter, 10)
    assert ids(move(to, half, 90)) == (6, None)


def test_the_timestamp_advances_by_the_time_that_has_passed() -> None:
    to, (quarter, half) = stream(), layers()
    put(quarter, 10, 1000, payload(5), 1.0)
    put(half, 90, 4_000_000_000, payload(5), 3.5)
    before = header.timestamp(move(to, quarter, 10))
    after = header.timestamp(move(to, half, 90))
    assert (after - before) & 0xFFFFFFFF == 2.5 * 90_000


def test_at_one_instant_it_advances_by_one_at_least() -> None:
    to, (quarter, half) = stream(), layers()
    put(quarter, 10, 1000, payload(5), 1.0)
    put(half, 90, 5, payload(5), 1.0)
    before = header.timestamp(move(to, quarter, 10))
    assert header.timestamp(move(to, half, 90)) == before + 1


def test_between_layers_of_one_camera_the_senders_clock_is_exact() -> None:
    """Both reports name one instant; arrival times say 30 ms too much."""
    to, (quarter, half) = stream(), layers()
    quarter.clock = SenderClock(5000.0, 100_000, 1.0, 0)
    half.clock = SenderClock(5000.5, 700_000, 1.0, 0)
    put(quarter, 10, 100_000 + 90_000, payload(5), 1.0)  # captured at 5001.0
    put(half, 90, 700_000 + 48_000, payload(5), 1.063)  # captured 33 ms later
    before = header.timestamp(move(to, quarter, 10))
    assert header.timestamp(move(to, half, 90)) - before == 3000


def test_a_clock_that_would_go_back_or_far_ahead_is_not_believed() -> None:
    for wrong in (-50.0, 50.0):
        to, (quarter, half) = stream(), layers()
        quarter.clock = SenderClock(5000.0, 100_000, 1.0, 0)
        half.clock = SenderClock(5000.0 + wrong, 700_000, 1.0, 0)
        put(quarter, 10, 100_000, payload(5), 1.0)
        put(half, 90, 700_000, payload(5), 1.1)
        before = header.timestamp(move(to, quarter, 10))
        assert header.timestamp(move(to, half, 90)) - before == 9000


def test_a_rule_ends_at_the_last_packet_that_was_sent() -> None:
    to, (quarter, _) = stream(), layers()
    put(quarter, 10, 1000, payload(5), 1.0)
    move(to, quarter, 10)
    put(quarter, 11, 4000, payload(6), 1.0)  # received, never sent
    segment = to.segments[-1]
    old, new = switching.end(segment, to.sent.highest, 7.0) or (None, None)
    assert old is not None
    assert new is not None
    assert (old.last, new.last) == (FOREVER, 10)
    assert segment.until == 7.0 + switching.LINGER_S
    assert switching.end(segment, to.sent.highest, 9.0) is None, "it has ended already"
    assert segment.until == 7.0 + switching.LINGER_S


def test_a_rule_that_never_sent_anything_ends_before_it_began() -> None:
    to, (quarter, _) = stream(), layers()
    put(quarter, 10, 1000, payload(5), 1.0)
    move(to, quarter, 10)
    to.sent.highest = 499
    _, new = switching.end(to.segments[-1], to.sent.highest, 7.0) or (None, None)
    assert new is not None
    assert new.last == new.first - 1


def test_a_split_leaves_packets_out_and_closes_the_numbers_up() -> None:
    to, (quarter, _) = stream(), layers()
    put(quarter, 10, 1000, payload(5), 1.0)
    move(to, quarter, 10)
    before, after = switching.split(to.segments[-1].rule, 14, 16, 1)
    assert (before.first, before.last) == (10, 14)
    assert (after.first, after.last) == (16, FOREVER)
    assert 16 + after.seq_offset == 14 + before.seq_offset + 1

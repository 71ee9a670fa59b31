"""Sender clocks, and who speaks."""

from __future__ import annotations

from sfu.core.estimation.sent_log import SendLog
from sfu.core.forwarder import clocks
from sfu.core.forwarder.model import Segment, Source, Stream
from sfu.core.forwarder.pacing import Pacer
from sfu.core.forwarder.rule import ExtensionPlan, Rule
from sfu.core.forwarder.speakers import WINDOW_S, Speakers
from tests.sfu.core.forwarder.packets import IDS, VP8, add_source, publisher, section
from tests.sim.world import rtp

NTP = 3_900_000_000


def people() -> tuple[Source, Source]:
    bob = publisher(section("0", "microphone"), section("1", "camera"))
    sources = add_source(bob.tracks["0"], ssrc=1), add_source(bob.tracks["1"], ssrc=2)
    for source in sources:
        source.ring.put(10, rtp(source.ssrc, 10, 1_000_000, b"x"), 50.0)
    return sources


def stream_of(source: Source) -> Stream:
    stream = Stream(1, "alice", "video", "4", 11, 12, (VP8,), IDS, True, SendLog(), Pacer())
    plan = ExtensionPlan()
    rule = Rule(1, "alice", 11, 96, 0, 0, 7, plan)
    stream.source = source
    stream.segments.append(Segment(source, rule))
    return stream


def report(source: Source, ntp_s: float, timestamp: int, now: float) -> None:
    clocks.receive_report(source, round(ntp_s * 2**32), timestamp, now)


def test_the_smallest_offset_counts_and_may_grow_only_as_fast_as_a_bad_crystal() -> None:
    sound, _ = people()
    bob = sound.track.publisher
    report(sound, NTP, 0, 100.0)
    assert bob.ntp_offset == 100.0 - NTP
    report(sound, NTP + 1, 48_000, 101.4)
    assert bob.ntp_offset is not None
    assert abs(bob.ntp_offset - (100.0 - NTP)) < 0.001, "a late report is only late"
    report(sound, NTP + 2, 96_000, 101.9)
    assert abs(bob.ntp_offset - (99.9 - NTP)) < 0.001, "an early one is the truth"


def test_sound_and_picture_share_one_offset() -> None:
    sound, picture = people()
    report(sound, NTP, 500, 100.0)
    report(picture, NTP, 900, 100.3)
    at = {source.ssrc: clocks.outgoing_timestamp(stream_of(source), 101.0) for source in people()}
    assert at == {1: 1_000_000 + 7 + 51 * 48_000, 2: 1_000_000 + 7 + 51 * 90_000}
    assert clocks.outgoing_timestamp(stream_of(sound), 101.0) == 500 + 7 + 48_000
    assert clocks.outgoing_timestamp(stream_of(picture), 101.0) == 900 + 7 + 90_000


def test_until_sound_has_a_report_pictures_go_by_arrival() -> None:
    _, picture = people()
    report(picture, NTP, 900, 100.0)
    expected = 1_000_000 + 7 + 90_000
    assert clocks.outgoing_timestamp(stream_of(picture), 51.0) == expected


def test_a_stream_that_carries_nothing_has_no_timestamp() -> None:
    _, picture = people()
    stream = stream_of(picture)
    stream.source = None
    assert clocks.outgoing_timestamp(stream, 51.0) is None


def test_ntp_time_counts_from_1900() -> None:
    assert clocks.ntp_timestamp(5.0, 0.0) >> 32 == clocks.NTP_EPOCH_S + 5
    assert clocks.ntp_timestamp(0.5, 0.0) & 0xFFFFFFFF == 1 << 31


def window(speakers: Speakers, now: float, **levels: int) -> tuple[str, ...] | None:
    for peer, level in levels.items():
        for _ in range(25):
            speakers.hear(peer, level)
    return speakers.handle_timeout(now)


def test_the_loudest_speaks_first_and_silence_is_told_once() -> None:
    speakers = Speakers()
    assert window(speakers, 1.0, alice=25, bob=10, carol=90) == ("bob", "alice")
    assert window(speakers, 1.0 + WINDOW_S, alice=25, bob=10) is None, "no news"
    assert window(speakers, 1.0 + 2 * WINDOW_S) == ()
    assert window(speakers, 1.0 + 3 * WINDOW_S) is None


def test_a_few_loud_packets_are_no_speech() -> None:
    speakers = Speakers()
    for number in range(25):
        speakers.hear("alice", 10 if number < 9 else 127)
    assert speakers.handle_timeout(1.0) is None
    for number in range(25):
        speakers.hear("alice", 10 if number < 10 else 127)
    assert speakers.handle_timeout(2.0) == ("alice",)


def test_within_a_window_nothing_is_told() -> None:
    speakers = Speakers()
    speakers.handle_timeout(1.0)
    assert window(speakers, 1.0 + WINDOW_S / 2, bob=0) is None

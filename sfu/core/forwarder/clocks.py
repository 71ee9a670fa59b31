"""Sender clocks: what a publisher's sender reports say, and the reports we send for our streams.

Subscribers get the *server's* clock: one NTP offset per publisher (smallest arrival − NTP seen) for
its audio and its video, so that both stay in step. A publisher's first audio report comes after
about 2.5 s (measured); until every flowing source has one, reports are built from arrival times.
"""

from __future__ import annotations

from sfu.core.forwarder.model import Publisher, SenderClock, Source, Stream
from sfu.core.rtp import header

DRIFT = 1e-4  # the offset may grow by this per second: 100 ppm, a bad crystal
NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970 (RFC 3550 section 4)


def receive_report(source: Source, ntp: int, rtp_timestamp: int, now: float) -> None:
    """A sender report of a source; `ntp` is the 64-bit timestamp."""
    publisher = source.track.publisher
    seconds = ntp / 2**32
    offset = now - seconds
    before = source.clock
    if publisher.ntp_offset is None:
        publisher.ntp_offset = offset
    else:
        elapsed = now - before.received_at if before else 0.0
        publisher.ntp_offset = min(offset, publisher.ntp_offset + DRIFT * elapsed)
    source.clock = SenderClock(seconds, rtp_timestamp, now, (ntp >> 16) & 0xFFFFFFFF)


def outgoing_timestamp(stream: Stream, now: float) -> int | None:
    """The stream's RTP timestamp at `now`; None while nothing has been sent."""
    source = stream.source
    if source is None or not stream.segments or source.ring.highest < 0:
        return None
    rule = stream.segments[-1].rule
    rate = source.codec.clock_rate
    publisher = source.track.publisher
    if source.clock is not None and publisher.ntp_offset is not None and _all_known(publisher):
        since = now - publisher.ntp_offset - source.clock.ntp
        theirs = source.clock.rtp_timestamp + round(since * rate)
    else:
        newest = source.ring.get(source.ring.highest)
        if newest is None:
            return None
        since = now - source.ring.arrival(source.ring.highest)
        theirs = header.timestamp(newest) + round(since * rate)
    return (theirs + rule.timestamp_offset) & 0xFFFFFFFF


def _all_known(publisher: Publisher) -> bool:
    return all(
        source.clock is not None
        for track in publisher.tracks.values()
        if track.section.kind == "audio"
        for source in track.sources
    )


def ntp_timestamp(now: float, wall_offset_s: float) -> int:
    """The 64-bit NTP timestamp of a monotonic time; `wall_offset_s` = Unix seconds − monotonic."""
    return round((now + wall_offset_s + NTP_EPOCH_S) * 2**32) & 0xFFFFFFFFFFFFFFFF

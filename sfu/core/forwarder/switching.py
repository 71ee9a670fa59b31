"""Slot and layer changes: an outgoing stream moves from source to source at a switch point.

Numbers stay continuous over every switch: sequence number and picture id go on at last + 1 (equal
or backward ids freeze Chromium without a keyframe request; measured), the timestamp advances by
the time that has passed. Until the switch point the old source runs on, so there is no gap.
"""

from __future__ import annotations

from sfu.core.forwarder.model import Segment, Source, Stream
from sfu.core.forwarder.rule import EVERY_TID, Rule, plan_extensions
from sfu.core.rtp import header, vp8

LINGER_S = 1.0  # an ended rule still serves late packets and NACKs for the cache's depth
SEARCHED = 64  # packets: the newest ones may be missing
MAX_STEP_S = 1.0  # a clock-based timestamp further off than this is not believed


def settle(stream: Stream) -> None:
    """Write down the last numbers that were sent: what was not must not move a receiver's count."""
    if stream.source is None:
        return
    stream.next_seq = max(stream.next_seq, stream.sent.highest + 1)
    for segment in reversed(stream.segments):
        seq = min(stream.sent.highest - segment.rule.seq_offset, segment.rule.last)
        if seq >= segment.rule.first:
            _settle_media(stream, segment, seq)
            return


def _settle_media(stream: Stream, segment: Segment, seq: int) -> None:
    """Timestamp and picture id of the newest packet that is there, from `seq` downwards."""
    ring, rule = segment.source.ring, segment.rule
    for candidate in range(seq, max(rule.first, seq - SEARCHED) - 1, -1):
        packet = ring.get(candidate)
        if packet is not None:
            stream.last_timestamp = _shift(header.timestamp(packet), rule.timestamp_offset)
            stream.last_sent_at = ring.arrival(candidate)
            if rule.vp8:
                _settle_vp8(stream, rule, packet)
            return


def _settle_vp8(stream: Stream, rule: Rule, packet: bytes) -> None:
    descriptor = vp8.parse(packet, header.payload_offset(packet))
    if descriptor.picture_id is not None:
        stream.last_picture_id = descriptor.picture_id + rule.vp8_offsets[0]
    if descriptor.tl0picidx is not None:
        stream.last_tl0 = descriptor.tl0picidx + rule.vp8_offsets[1]


def make_rule(stream: Stream, source: Source, seq: int, packet: bytes, payload_type: int) -> Rule:
    """The rule by which `source` continues the (settled) stream from its packet `seq` on."""
    theirs = source.track.section.extensions
    ours = stream.extensions
    is_vp8 = source.codec.name == "VP8"
    return Rule(
        stream=stream.id,
        peer=stream.peer,
        ssrc=stream.ssrc,
        payload_type=payload_type,
        first=seq,
        seq_offset=stream.next_seq - seq,
        timestamp_offset=_timestamp_offset(stream, source, seq, packet),
        extensions=plan_extensions(
            mid_id=ours.mid,
            mid=stream.mid,
            twcc_id=ours.transport_cc,
            level_id=ours.audio_level,
            source_level_id=theirs.audio_level,
        ),
        vp8=is_vp8,
        vp8_offsets=_vp8_offsets(stream, packet) if is_vp8 else (0, 0),
        keep_ciphertext=stream.nack and not stream.rtx_ssrc,
        max_tid=stream.max_tid if is_vp8 else EVERY_TID,
    )


def _vp8_offsets(stream: Stream, packet: bytes) -> tuple[int, int]:
    descriptor = vp8.parse(packet, header.payload_offset(packet))
    picture_id = tl0 = 0
    if descriptor.picture_id is not None and stream.last_picture_id >= 0:
        picture_id = stream.last_picture_id + 1 - descriptor.picture_id
    if descriptor.tl0picidx is not None and stream.last_tl0 >= 0:
        tl0 = stream.last_tl0 + 1 - descriptor.tl0picidx
    return picture_id, tl0


def _timestamp_offset(stream: Stream, source: Source, seq: int, packet: bytes) -> int:
    theirs = header.timestamp(packet)
    if stream.last_sent_at is None:
        return _shift(stream.last_timestamp, -theirs)
    rate = source.codec.clock_rate
    by_clock = _same_instant(stream, source)
    if by_clock is not None:
        step = _shift(_shift(theirs, by_clock), -stream.last_timestamp)
        if 0 < step < MAX_STEP_S * rate:
            return by_clock
    elapsed_s = max(0.0, source.ring.arrival(seq) - stream.last_sent_at)
    step = max(1, round(elapsed_s * rate))
    return _shift(stream.last_timestamp + step, -theirs)


def _same_instant(stream: Stream, source: Source) -> int | None:
    """The offset under which one instant of the publisher's clock has one outgoing timestamp."""
    old = stream.segments[-1] if stream.segments else None
    if old is None or old.source.track is not source.track:
        return None
    before, after = old.source.clock, source.clock
    if before is None or after is None:
        return None
    theirs = after.rtp_timestamp + round((before.ntp - after.ntp) * source.codec.clock_rate)
    return _shift(before.rtp_timestamp + old.rule.timestamp_offset, -theirs)


def split(
    rule: Rule, last: int, first: int, closed_up: int, *, pictures: int = 0, max_tid: int = -1
) -> tuple[Rule, Rule]:
    """The rule up to packet `last`, and from `first` on with so many numbers and picture ids closed
    up, and with another highest temporal layer if one is given.
    """
    picture_id, tl0 = rule.vp8_offsets
    following = _with(
        rule,
        first=first,
        seq_offset=rule.seq_offset - closed_up,
        vp8_offsets=(picture_id - pictures, tl0),
        max_tid=rule.max_tid if max_tid < 0 else max_tid,
    )
    return _with(rule, last=last), following


def end(segment: Segment, sent: int, now: float) -> tuple[Rule, Rule] | None:
    """End a rule at the highest number `sent`: (old, new); None if it ends there or before."""
    if segment.until is None:
        segment.until = now + LINGER_S
    old = segment.rule
    last = max(old.first - 1, min(old.last, sent - old.seq_offset))
    if last == old.last:
        return None
    segment.rule = _with(old, last=last)
    return old, segment.rule


def _with(rule: Rule, **changes: int | tuple[int, int]) -> Rule:
    fields = {name: getattr(rule, name) for name in rule.__struct_fields__}
    return Rule(**{**fields, **changes})


def _shift(timestamp: int, by: int) -> int:
    return (timestamp + by) & 0xFFFFFFFF

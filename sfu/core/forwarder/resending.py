"""Answers to a subscriber's NACKs: which packet of which ring, as RTX or as kept ciphertext.

A browser asks ten times, a round trip apart, and each time is answered: where a fifth is lost, one
packet in 600 needs more than three answers, and a browser that misses one stands still for 3 s
before it asks for a keyframe (libwebrtc; measured). Packets of a slot's earlier source are still
found by their segment.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sfu.core.description import Kind
from sfu.core.forwarder.actions import Resend, ResendKept
from sfu.core.forwarder.model import Segment, Source, Stream, Subscriber

MAX_ANSWERS = 10  # libwebrtc: kMaxNackRetries
MIN_REPEAT_S = 0.015  # libwebrtc looks every 20 ms for what to ask for
REPEAT_RTTS = 0.7  # what is asked for again sooner was asked for before the answer could be there
REMEMBERED = 512  # answered numbers
FAR_S, MUCH_LOSS = 0.08, 0.1  # from here on each repair goes twice: there is no time for many tries
SINGLE_TRIES = 2
MAX_AUDIO_RTT_S = 0.150  # sound that comes later than this only lengthens the jitter buffer


def answer(stream: Stream, seq: int, rtt_s: float, now: float) -> Resend | ResendKept | None:
    """What to send again for the outgoing 16-bit `seq`; None if too late or too often."""
    if not is_of_use(stream.kind, rtt_s):
        return None
    found = _find(stream, seq)
    if found is None or not _allowed(stream, seq, rtt_s, now):
        return None
    segment, incoming = found
    if segment.rule.keep_ciphertext:
        return ResendKept(peer=stream.peer, ssrc=stream.ssrc, seq=seq)
    return _repair(stream, segment, incoming)


def unasked(stream: Stream, source: Source, late: list[int]) -> Iterator[Resend]:
    """Twice each packet that its publisher has repaired late: its receiver may no longer ask for
    it, and would stand still if the only copy got lost.
    """
    for incoming in late:
        for segment in stream.segments:
            rule = segment.rule
            if segment.source is source and rule.first <= incoming <= rule.last:
                copies = (_repair(stream, segment, incoming) for _ in range(2))
                yield from (copy for copy in copies if copy is not None)


def _repair(stream: Stream, segment: Segment, incoming: int) -> Resend | None:
    """The packet as RTX under a number of its own; None where the receiver has no RTX."""
    codec = stream.codec_for(segment.source.codec)
    payload_type = codec.rtx_payload_type if codec else None
    if not stream.rtx_ssrc or payload_type is None:
        return None
    stream.next_rtx_seq += 1
    return Resend(
        source=segment.source.id,
        rule=segment.rule,
        seq=incoming,
        rtx_ssrc=stream.rtx_ssrc,
        rtx_payload_type=payload_type,
        rtx_seq=stream.next_rtx_seq,
    )


def loses_much(subscriber: Subscriber) -> bool:
    """Whether a repair may well be lost again."""
    return subscriber.path_loss >= MUCH_LOSS


def goes_twice(subscriber: Subscriber, stream: Stream, seq: int) -> bool:
    """Whether a repair is sent double: many are lost again, and tries take long or two of this
    packet have failed.
    """
    tries, _ = stream.answered.get(seq, (0, 0.0))
    return loses_much(subscriber) and (subscriber.rtt_s >= FAR_S or tries > SINGLE_TRIES)


def second(stream: Stream, first: Resend) -> Resend:
    """The same repair under a number of its own (RFC 4588 section 4)."""
    stream.next_rtx_seq += 1
    return msgspec.structs.replace(first, rtx_seq=stream.next_rtx_seq)


def is_of_use(kind: Kind, rtt_s: float) -> bool:
    """Whether what is asked for over such a round trip comes in time to be played."""
    return kind == "video" or rtt_s < MAX_AUDIO_RTT_S


def is_beyond_repair(stream: Stream, seq: int) -> bool:
    """Whether only a keyframe helps a receiver that misses the outgoing 16-bit `seq` of a picture:
    we do not have it, do not expect it any more, and no keyframe has come since.
    """
    for segment, incoming in _places(stream, seq):
        source = segment.source
        if source is stream.source and stream.kind == "video":
            expected = incoming > source.scanned or incoming in source.missing
            kept = source.ring.get(incoming) is not None
            return incoming >= source.keyframe_seq and not expected and not kept
    return False


def _find(stream: Stream, seq: int) -> tuple[Segment, int] | None:
    for segment, incoming in _places(stream, seq):
        if segment.source.ring.get(incoming) is not None:
            return segment, incoming
    return None


def _places(stream: Stream, seq: int) -> Iterator[tuple[Segment, int]]:
    """The rules that may have produced a number, newest first, each with the incoming number."""
    for segment in reversed(stream.segments):
        rule = segment.rule
        newest = min(rule.last, segment.source.ring.highest)
        incoming = newest - ((newest + rule.seq_offset - seq) & 0xFFFF)
        if incoming >= rule.first:
            yield segment, incoming


def _allowed(stream: Stream, seq: int, rtt_s: float, now: float) -> bool:
    answers, last_at = stream.answered.get(seq, (0, -1e9))
    if now - last_at > 2.0:  # the number has come round again, or nobody minds
        answers = 0
    if answers >= MAX_ANSWERS or now - last_at < max(MIN_REPEAT_S, REPEAT_RTTS * rtt_s):
        return False
    stream.answered.pop(seq, None)
    stream.answered[seq] = (answers + 1, now)
    if len(stream.answered) > REMEMBERED:
        del stream.answered[next(iter(stream.answered))]
    return True

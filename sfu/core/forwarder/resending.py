"""Answers to a subscriber's NACKs: which packet of which ring, as RTX or as kept ciphertext.

A repeated request is answered at most `MAX_ANSWERS` times and not within max(40 ms, RTT) of the
last answer (LiveKit, Janus). Packets of a slot's earlier source are still found by their segment.
"""

from __future__ import annotations

from sfu.core.description import Kind
from sfu.core.forwarder.actions import Resend, ResendKept
from sfu.core.forwarder.model import Segment, Stream

MAX_ANSWERS = 3
MIN_REPEAT_S = 0.040
REMEMBERED = 512  # answered numbers
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


def is_of_use(kind: Kind, rtt_s: float) -> bool:
    """Whether what is asked for over such a round trip comes in time to be played."""
    return kind == "video" or rtt_s < MAX_AUDIO_RTT_S


def _find(stream: Stream, seq: int) -> tuple[Segment, int] | None:
    for segment in reversed(stream.segments):
        rule, ring = segment.rule, segment.source.ring
        newest = min(rule.last, ring.highest)
        behind = (newest + rule.seq_offset - seq) & 0xFFFF
        incoming = newest - behind
        if incoming >= rule.first and ring.get(incoming) is not None:
            return segment, incoming
    return None


def _allowed(stream: Stream, seq: int, rtt_s: float, now: float) -> bool:
    answers, last_at = stream.answered.get(seq, (0, -1e9))
    if now - last_at > 2.0:  # the number has come round again, or nobody minds
        answers = 0
    if answers >= MAX_ANSWERS or now - last_at < max(MIN_REPEAT_S, rtt_s):
        return False
    stream.answered.pop(seq, None)
    stream.answered[seq] = (answers + 1, now)
    if len(stream.answered) > REMEMBERED:
        del stream.answered[next(iter(stream.answered))]
    return True

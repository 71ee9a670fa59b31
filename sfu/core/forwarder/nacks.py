"""Upstream loss: what is missing in a source's ring and when to ask for it (RFC 4585 6.2.1).

A gap is noticed at the scan after it; the first request goes out after `FIRST_WAIT_S` (reordering
repairs itself in less), repeats follow twice in each round trip, because requests are lost too:
browsers answer none within the round trip that they measure, so nothing comes twice for it. A gap
of over `MAX_GAP` packets asks for a keyframe instead (constants: mediasoup, LiveKit; design/media).
"""

from __future__ import annotations

import msgspec

from sfu.core.forwarder.model import Missing, Source

FIRST_WAIT_S = 0.010
REPEAT_RTTS = 0.5
MAX_TRIES = 40  # of the shortest interval: 0.8 s
MAX_GAP = 100  # packets
MIN_INTERVAL_S = 0.020
MAX_AGE_S = 0.7  # a keyframe takes a second at 200 ms of round trip and a fifth lost (sim), of 2 s
LATE_S = 0.15  # libwebrtc asks ten times, 20 ms apart where the server is near, and then no more


class Due(msgspec.Struct, frozen=True):
    """Extended numbers."""

    wanted: list[int]  # to be requested now
    given_up: list[int]  # just now
    late: list[int]  # have come, when receivers may have ceased to ask for them


def notice(source: Source, seq: int, now: float) -> bool:
    """The scan found `seq` absent; True when so much is absent that only a keyframe helps."""
    if len(source.missing) >= MAX_GAP:
        source.missing.clear()
        return True
    source.missing[seq] = Missing(noticed_at=now, due_at=now + FIRST_WAIT_S)
    return False


def due(source: Source, rtt_s: float, now: float) -> Due:
    """What is to be done about the holes in a source; those that were filled are forgotten."""
    wanted: list[int] = []
    given_up: list[int] = []
    late: list[int] = []
    for seq, missing in list(source.missing.items()):
        if source.ring.has(seq):
            del source.missing[seq]
            source.reception.received += missing.tries == 0  # late by itself: not a loss
            if now - missing.noticed_at > LATE_S:
                late.append(seq)
        elif missing.tries >= MAX_TRIES or now - missing.noticed_at > MAX_AGE_S:
            del source.missing[seq]
            given_up.append(seq)
        elif missing.due_at <= now:
            missing.tries += 1
            missing.due_at = now + max(MIN_INTERVAL_S, REPEAT_RTTS * rtt_s)
            wanted.append(seq)
    return Due(wanted, given_up, late)

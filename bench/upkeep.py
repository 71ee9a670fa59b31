"""What clients send beside media, as browsers do: feedback, reports, checks for consent.

Transport-wide feedback tells of what came since the last one by its numbers and its times: those at
which the kernel got the first packet of each batch that the generator read.
Sender reports count what is prepared for sending, up to a run ahead of what has been sent.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.client import Client
from sfu.core.rtp import rtcp, twcc

TICK_S = 0.005
FEEDBACK_TICKS = 20  # of 5 ms: every 100 ms
REPORT_TICKS = 200  # every second
CONSENT_TICKS = 500  # every 2.5 s
_NTP_EPOCH_S = 2_208_988_800  # 1900 to 1970


class Upkeep:
    """The clients take turns, so that they do not all speak at once."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self._clients = clients
        self._ticks = 0
        self._next_at = 0.0

    def catch_up(self, now: float) -> None:
        """Do what is due; what was missed in a pause is not done later."""
        self._next_at = max(self._next_at, now - FEEDBACK_TICKS * TICK_S)
        while self._next_at <= now:
            self._next_at += TICK_S
            self._ticks += 1
            self._take_turns(self._ticks, now)

    def _take_turns(self, n: int, now: float) -> None:
        for client in self._clients[n % FEEDBACK_TICKS :: FEEDBACK_TICKS]:
            _give_feedback(client)
        for client in self._clients[n % REPORT_TICKS :: REPORT_TICKS]:
            _report(client, now)
        for client in self._clients[n % CONSENT_TICKS :: CONSENT_TICKS]:
            client.check()


def _give_feedback(client: Client) -> None:
    if not client.arrivals or client.srtp is None:
        return
    arrived, client.arrivals = client.arrivals, []
    arrivals = [(client.numbers.unwrap(number), at_us) for number, at_us in arrived]
    media = client.streams[0].ssrc
    for data in twcc.build_feedback(arrivals, _ssrc(client), media, client.feedbacks):
        client.feedbacks += 1
        client.send(client.srtp.protect_rtcp(data))


def _report(client: Client, now: float) -> None:
    """A receiver report about what comes, sender reports about what goes."""
    if client.srtp is None:
        return
    heard = [stream for stream in client.streams if stream.count]
    blocks = tuple(rtcp.ReportBlock(s.ssrc, 0, 0, s.last_seq, 10, 0, 0) for s in heard)
    packets: list[rtcp.RtcpPacket] = [rtcp.ReceiverReport(_ssrc(client), blocks)] if heard else []
    ntp = int((time.time() + _NTP_EPOCH_S) * 2**32)
    for track in client.tracks:
        if track.sent:
            timestamp = track.timestamp_at(now)
            packets.append(rtcp.SenderReport(track.ssrc, ntp, timestamp, track.sent, track.octets))
            packets.append(rtcp.SourceDescription(((track.ssrc, "bench"),)))
    if packets:
        client.send(client.srtp.protect_rtcp(rtcp.build(packets)))


def _ssrc(client: Client) -> int:
    return client.tracks[0].ssrc if client.tracks else 2

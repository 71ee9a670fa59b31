"""What arrived of a source: the scan of its ring, and the reception report made from it.

The scan runs every few milliseconds over the packets that came since the last one; it finds gaps,
measures jitter (RFC 3550 A.8) and counts. Reports are for bound ssrcs only: a browser stops sending
MID and RID once a report names the ssrc (measured).
"""

from __future__ import annotations

from sfu.core.forwarder import nacks
from sfu.core.forwarder.model import Reception, Source
from sfu.core.rtp.rtcp import ReportBlock


def scan(source: Source, now: float) -> tuple[list[bytes], bool]:
    """(new packets in order, whether a keyframe is the only repair left)."""
    ring, reception = source.ring, source.reception
    hopeless = False
    if reception.first < 0:
        reception.first = ring.lowest()
        source.scanned = reception.first - 1
    if ring.highest - source.scanned > ring.capacity:
        source.scanned = ring.highest - ring.capacity
        source.missing.clear()
        hopeless = True
    packets: list[bytes] = []
    for seq in range(source.scanned + 1, ring.highest + 1):
        if not ring.has(seq):
            reception.lost_recently += 1
            hopeless |= nacks.notice(source, seq, now)
            continue
        reception.received += 1
        packet = ring.get(seq)
        if packet is not None:
            packets.append(packet)
            reception.octets += len(packet)
            _measure_jitter(reception, source.codec.clock_rate, ring.arrival(seq), packet)
    reception.expected_recently += ring.highest - source.scanned
    source.scanned = ring.highest
    source.last_arrival = ring.arrival(ring.highest)
    return packets, hopeless


def _measure_jitter(reception: Reception, clock_rate: int, arrival: float, packet: bytes) -> None:
    transit = arrival * clock_rate - int.from_bytes(packet[4:8])
    if reception.transit is not None:
        difference = abs(transit - reception.transit)
        if difference < clock_rate:  # a wrapped timestamp is no jitter
            reception.jitter += (difference - reception.jitter) / 16
    reception.transit = transit


def report_block(source: Source, now: float, downstream: float = 0.0) -> ReportBlock:
    """Loss since the last report, and our answer to the newest sender report.

    `downstream` is what receivers lose of it, 0..1: the larger of both is reported.
    """
    reception = source.reception
    expected = source.ring.highest - reception.first + 1
    received = reception.received - reception.recovered
    lost = expected - received
    expected_now = expected - reception.expected_prior
    lost_now = expected_now - (received - reception.received_prior)
    reception.expected_prior, reception.received_prior = expected, received
    fraction = max(0, min(255, lost_now * 256 // expected_now)) if expected_now > 0 else 0
    fraction = max(fraction, min(255, round(downstream * 256)))
    clock = source.clock
    return ReportBlock(
        ssrc=source.ssrc,
        fraction_lost=fraction,
        lost=max(-0x800000, min(0x7FFFFF, lost)),
        highest=source.ring.highest & 0xFFFFFFFF,
        jitter=int(reception.jitter) & 0xFFFFFFFF,
        lsr=clock.lsr if clock else 0,
        dlsr=round((now - clock.received_at) * 65536) & 0xFFFFFFFF if clock else 0,
    )

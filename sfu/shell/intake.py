"""What peers send, up to the forwarding of one packet: charge, unprotect, tell what it is.

A packet is media of a known source, a repair of one, a bandwidth probe, RTCP, or the first of its
ssrc, which the forwarder binds. What a peer sends is charged to its bitrate by what it costs us.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sfu.core.counters import Counters
from sfu.core.forwarder.forwarder import Forwarder
from sfu.core.forwarder.model import Publisher, Source
from sfu.core.forwarder.rates import LINK_BYTES
from sfu.core.histogram import HistogramCounts
from sfu.core.rtp import header, red
from sfu.core.rtp.rtcp import RtcpError
from sfu.core.rtp.serial import Unwrapper, seq_difference
from sfu.shell.srtp import Srtp
from sfu.shell.srtp_errors import SrtpError

MAX_DATAGRAM_BYTES = 1500
RATE_WINDOW_S = 1.0
MIN_CHARGED_BYTES = 250  # of a peer's bitrate: small packets cost us as much time as large ones
RTCP_CHARGE = 8  # times its bytes: 1200 bytes of NACKs take 0.65 ms to read, of media 0.01
RTX_HEADER_BYTES = 2  # RFC 4588 section 4: the original sequence number

Forward = Callable[[Source, int, bytes, int, int, float], None]
Send = Callable[[list[bytes]], int]  # datagrams → how many of them the kernel took


@dataclass(slots=True, eq=False)
class Transport:
    """One peer as the executor sees it. `send` goes to the peer's selected path; what the peer gets
    next is gathered in the outbox."""

    peer: str
    max_bitrate_bps: int
    send: Send
    srtp: Srtp | None = None
    outbox: list[bytes] = field(default_factory=list)
    publisher: Publisher | None = None
    heard_at: float = 0.0
    twcc_sent: int = 0
    cluster: int = 0  # of the probe that is under way
    twcc_received: Unwrapper = field(default_factory=Unwrapper)
    kept: dict[int, dict[int, bytes]] = field(default_factory=dict)  # ssrc → seq → SRTP
    window_started: float = 0.0
    window_bits: int = 0


class Intake:
    """`forward` gets (source, extended number, packet, payload offset, payload size, arrival)."""

    def __init__(
        self,
        forwarder: Forwarder,
        counters: Counters,
        forward: Forward,
        drain: Callable[[], None],
    ) -> None:
        self.delay = HistogramCounts()
        self._taken = 0  # media packets since the last `observe_delay`
        self._oldest = 0.0  # arrival of the first of them
        self._forwarder = forwarder
        self._counters = counters
        self._forward = forward
        self._drain = drain

    def receive(self, transport: Transport, data: bytes, arrival: float) -> bool:
        """An SRTP or SRTCP datagram; True if it was authentic."""
        srtp = transport.srtp
        if srtp is None:
            return False
        if self._over_rate(transport, data, arrival):
            self._counters.dropped_rate += 1
            return False
        is_rtcp = len(data) > 1 and 192 <= data[1] <= 223  # RFC 5761 section 4
        try:
            plain = srtp.unprotect_rtcp(data) if is_rtcp else srtp.unprotect(data)
        except SrtpError:
            self._counters.dropped_srtp += 1
            return False
        transport.heard_at = arrival
        charged = len(data) * RTCP_CHARGE if is_rtcp else max(len(data), MIN_CHARGED_BYTES)
        transport.window_bits += charged * 8
        if is_rtcp:
            self._receive_rtcp(transport, plain, arrival)
        elif transport.publisher is not None:
            self._counters.packets_in += 1
            self._counters.bytes_in += len(data)
            if not self._taken:
                self._oldest = arrival
            self._taken += 1
            self._receive_rtp(transport, transport.publisher, plain, arrival)
        return True

    def observe_delay(self) -> bool:
        """What was received has been sent: all of it counts as old as its first packet.

        False if there was nothing.
        """
        taken, self._taken = self._taken, 0
        if taken:
            self.delay.observe(time.monotonic() - self._oldest, taken)
        return taken > 0

    def _over_rate(self, transport: Transport, data: bytes, now: float) -> bool:
        """Only what is authentic is charged: a forger must not use up somebody's share."""
        if now - transport.window_started >= RATE_WINDOW_S:
            transport.window_started, transport.window_bits = now, 0
        return (
            len(data) > MAX_DATAGRAM_BYTES
            or transport.window_bits > transport.max_bitrate_bps * RATE_WINDOW_S
        )

    def _receive_rtcp(self, transport: Transport, plain: bytes, now: float) -> None:
        try:
            self._forwarder.receive_rtcp(transport.peer, plain, now)
        except RtcpError:
            self._counters.dropped_malformed += 1
        self._drain()

    def _receive_rtp(
        self, transport: Transport, publisher: Publisher, packet: bytes, arrival: float
    ) -> None:
        try:
            start = header.payload_offset(packet)
            size = len(packet) - start - header.padding_length(packet)
        except header.RtpError:
            self._counters.dropped_malformed += 1
            return
        source = publisher.by_ssrc.get(int.from_bytes(packet[8:12]))
        if source is None or (
            packet[1] & 0x7F != source.codec.payload_type
            and packet[1] & 0x7F != source.codec.red_payload_type
        ):
            self._receive_other(transport, publisher, packet, start, size, arrival)
        else:
            self._receive_media(transport, source, packet, start, size, arrival)

    def _receive_media(
        self,
        transport: Transport,
        source: Source,
        packet: bytes,
        start: int,
        size: int,
        arrival: float,
    ) -> None:
        self._log_arrival(transport, source, packet, arrival)
        seq = _extended(source, packet)
        if packet[1] & 0x7F == source.codec.payload_type:
            self._forward(source, seq, packet, start, size, arrival)
        else:
            self._receive_redundant(source, seq, packet, start, size, arrival)

    def _receive_redundant(
        self, source: Source, seq: int, packet: bytes, start: int, size: int, arrival: float
    ) -> None:
        """Sound with that of earlier packets, of which those that are missing are put in place."""
        try:
            *earlier, primary = red.unpack(packet[start : start + size])
        except header.RtpError:
            self._counters.dropped_malformed += 1
            return
        source.redundant_at = arrival
        for number, block in enumerate(earlier, seq - len(earlier)):
            if block.data and 0 <= source.ring.highest < number:
                plain = _plain(source, packet, start, number, block)
                source.reception.recovered += 1
                self._counters.recovered_in += 1
                self._forward(source, number, plain, start, len(block.data), arrival)
        plain = _plain(source, packet, start, seq, primary)
        self._forward(source, seq, plain, start, len(primary.data), arrival)

    def _receive_other(
        self,
        transport: Transport,
        publisher: Publisher,
        packet: bytes,
        start: int,
        size: int,
        arrival: float,
    ) -> None:
        """A repair, a probe, or the first packet of a source."""
        ssrc = header.ssrc(packet)
        repairs = publisher.by_rtx_ssrc.get(ssrc)
        if repairs is None or (size and repairs.layer is None):
            source = self._bind(publisher, packet, arrival)
            if source is not None:
                self._receive_media(transport, source, packet, start, size, arrival)
                return
        if ssrc in publisher.by_rtx_ssrc:
            self._receive_rtx(transport, publisher, packet, start, size, arrival)
        else:
            self._counters.dropped_unbound += 1

    def _bind(self, publisher: Publisher, packet: bytes, now: float) -> Source | None:
        source = self._forwarder.receive_unknown(publisher, packet, now)
        self._drain()
        return source

    def _log_arrival(
        self, transport: Transport, source: Source, packet: bytes, arrival: float
    ) -> None:
        """Note the transport-wide number for feedback; padding and repairs count too."""
        twcc_id = source.track.section.extensions.transport_cc
        data = header.extension(packet, twcc_id) if twcc_id else None
        if data is not None and len(data) == 2:
            number = transport.twcc_received.unwrap(data[0] << 8 | data[1])
            source.track.publisher.arrivals.append((number, int(arrival * 1e6)))

    def _receive_rtx(
        self,
        transport: Transport,
        publisher: Publisher,
        packet: bytes,
        start: int,
        size: int,
        arrival: float,
    ) -> None:
        """A repaired packet, or (empty) a bandwidth probe."""
        publisher.spare_octets += len(packet) + LINK_BYTES
        source = publisher.by_rtx_ssrc[header.ssrc(packet)].source
        any_source = source or next(iter(publisher.by_ssrc.values()), None)
        if any_source is not None:
            self._log_arrival(transport, any_source, packet, arrival)
        if source is None or size < RTX_HEADER_BYTES or source.ring.highest < 0:
            return
        payload = packet[start : start + size]
        original = b"".join(
            (
                bytes((packet[0] & 0xDF, (packet[1] & 0x80) | source.codec.payload_type)),
                payload[:RTX_HEADER_BYTES],
                packet[4:8],
                source.ssrc.to_bytes(4, "big"),
                packet[12:start],
                payload[RTX_HEADER_BYTES:],
            )
        )
        self._counters.repaired_in += 1
        seq = _extended(source, original)
        self._forward(source, seq, original, start, size - RTX_HEADER_BYTES, arrival)


def _plain(source: Source, packet: bytes, start: int, seq: int, block: red.Block) -> bytes:
    """A block of a redundant packet as the packet that it came in, or would have come in."""
    timestamp = int.from_bytes(packet[4:8]) - block.offset & 0xFFFFFFFF
    return b"".join(
        (
            bytes((packet[0] & 0xDF, packet[1] & 0x80 | source.codec.payload_type)),
            (seq & 0xFFFF).to_bytes(2),
            timestamp.to_bytes(4),
            packet[8:start],
            block.data,
        )
    )


def _extended(source: Source, packet: bytes) -> int:
    """The packet's sequence number as a whole number near the newest one."""
    seq = packet[2] << 8 | packet[3]
    highest = source.ring.highest
    if highest + 1 & 0xFFFF == seq and highest >= 0:  # in order
        return highest + 1
    if highest < 0:
        return seq + 0x10000  # room below for what comes late
    return highest + seq_difference(seq, highest & 0xFFFF)

"""The Python executor: receive, unprotect, put in the ring, apply rules, protect, send, count.

It knows no policy: rules come from the forwarder, and what no rule covers (unknown ssrc, switch
point, empty packet, RTCP) is punted to it; its actions are carried out at once. Reference for, and
fallback of, a native executor: the same packets in give the same plaintext out.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from sfu.api import AnyEvent
from sfu.core.counters import Counters
from sfu.core.forwarder import actions
from sfu.core.forwarder.forwarder import Forwarder
from sfu.core.forwarder.model import Publisher, Sent, Source
from sfu.core.forwarder.rule import Rule, render, render_rtx
from sfu.core.histogram import HistogramCounts
from sfu.core.rtp import header, vp8
from sfu.core.rtp.codecs import is_switch_point
from sfu.core.rtp.rtcp import RtcpError
from sfu.core.rtp.serial import Unwrapper, seq_difference
from sfu.shell.srtp import Srtp, SrtpError

KEPT_PACKETS = 100  # ciphertexts per audio stream: 2 s
MAX_DATAGRAM_BYTES = 1500
LARGE_DATAGRAM_BYTES = 1200
RATE_WINDOW_S = 1.0
MIN_CHARGED_BYTES = 250  # of a peer's bitrate: small packets cost us as much time as large ones
RTCP_CHARGE = 8  # times its bytes: 1200 bytes of NACKs take 0.65 ms to read, of media 0.01
VP8_DESCRIPTOR_BYTES = 6  # RFC 7741 4.2, the longest
RTX_HEADER_BYTES = 2  # RFC 4588 section 4: the original sequence number

Send = Callable[[bytes], bool]


@dataclass(slots=True, eq=False)
class Transport:
    """One peer as the executor sees it. `send` goes to the peer's selected path."""

    peer: str
    max_bitrate_bps: int
    send: Send
    srtp: Srtp | None = None
    publisher: Publisher | None = None
    heard_at: float = 0.0
    twcc_sent: int = 0
    twcc_received: Unwrapper = field(default_factory=Unwrapper)
    kept: dict[int, OrderedDict[int, bytes]] = field(default_factory=dict)  # ssrc → seq → SRTP
    window_started: float = 0.0
    window_bits: int = 0


class _Route:
    """A rule with where it leads, and the account of its stream."""

    __slots__ = ("rule", "sent", "transport")

    def __init__(self, rule: Rule, transport: Transport, sent: Sent) -> None:
        self.rule = rule
        self.transport = transport
        self.sent = sent


class Executor:
    """Packets of every peer of one worker; events go to `emit`."""

    def __init__(
        self, forwarder: Forwarder, counters: Counters, emit: Callable[[AnyEvent], None]
    ) -> None:
        self.delay = HistogramCounts()
        self._forwarder = forwarder
        self._counters = counters
        self._emit = emit
        self._transports: dict[str, Transport] = {}
        self._routes: dict[int, list[_Route]] = {}
        self._carry_out: dict[type, Callable[..., None]] = {
            actions.Install: self._install,
            actions.Replace: self._replace,
            actions.Uninstall: self._uninstall,
            actions.Replay: self._replay,
            actions.Resend: self._resend,
            actions.ResendKept: self._resend_kept,
            actions.SendRtcp: self._send_rtcp,
            actions.Emit: self._emit_event,
        }

    def add(self, transport: Transport) -> None:
        self._transports[transport.peer] = transport

    def remove(self, peer: str) -> None:
        self._transports.pop(peer, None)

    def drain(self) -> None:
        """Carry out everything the forwarder asks for."""
        while todo := self._forwarder.drain():
            for action in todo:
                self._carry_out[type(action)](action)

    def handle_timeout(self, now: float) -> None:
        self._forwarder.handle_timeout(now)
        self.drain()

    # one packet in

    def receive(self, transport: Transport, data: bytes, arrival: float) -> bool:
        """An SRTP or SRTCP datagram; True if it was authentic."""
        srtp = transport.srtp
        if srtp is None or self._over_rate(transport, data, arrival):
            self._counters.dropped_rate += srtp is not None
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
            self._receive_rtp(transport, transport.publisher, plain, arrival)
            self.delay.observe(time.monotonic() - arrival)
        return True

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
        self.drain()

    def _receive_rtp(
        self, transport: Transport, publisher: Publisher, packet: bytes, arrival: float
    ) -> None:
        try:
            start = header.payload_offset(packet)
            size = len(packet) - start - header.padding_length(packet)
        except header.RtpError:
            self._counters.dropped_malformed += 1
            return
        source = publisher.by_ssrc.get(header.ssrc(packet))
        if source is not None and packet[1] & 0x7F == source.codec.payload_type:
            self._receive_media(transport, source, packet, start, size, arrival)
        else:
            self._receive_other(transport, publisher, packet, start, size, arrival)

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
        self._forward(source, _extended(source, packet), packet, start, size, arrival)

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
        self.drain()
        return source

    def _log_arrival(
        self, transport: Transport, source: Source, packet: bytes, arrival: float
    ) -> None:
        """Note the transport-wide number for feedback; padding and repairs count too."""
        twcc_id = source.track.section.extensions.transport_cc
        data = header.extension(packet, twcc_id) if twcc_id else None
        if data is not None and len(data) == 2 and transport.publisher is not None:
            number = transport.twcc_received.unwrap(int.from_bytes(data, "big"))
            transport.publisher.arrivals.append((number, int(arrival * 1e6)))

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

    def _forward(
        self, source: Source, seq: int, packet: bytes, start: int, size: int, arrival: float
    ) -> None:
        if 0 < size < VP8_DESCRIPTOR_BYTES and _is_cut(source, packet, start, size):
            self._counters.dropped_malformed += 1
            return
        ring = source.ring
        if seq > ring.highest + ring.capacity and ring.highest >= 0:
            self._forwarder.receive_leap(source, seq, arrival)
            self.drain()
        if not ring.put(seq, packet if size else None, arrival):
            self._counters.dropped_duplicate += 1
            return
        if size == 0 and seq == ring.highest:
            self._forwarder.receive_empty(source, seq, arrival)
            self.drain()
            return  # a late one has its number already: it is sent
        if (
            (source.awaited or source.track.keyframe_wanted_since is not None)
            and size
            and is_switch_point(source.codec.name, packet, start)
        ):
            self._forwarder.receive_switch_point(source, seq, arrival)
            self.drain()
        for route in self._routes.get(source.id, ()):
            if route.rule.first <= seq <= route.rule.last:
                self._apply(route, packet, seq)

    # one packet out

    def _apply(self, route: _Route, packet: bytes, seq: int) -> None:
        transport, rule = route.transport, route.rule
        if transport.srtp is None:
            return
        transport.twcc_sent += 1
        plain = render(rule, packet, seq, transport.twcc_sent)
        data = self._protect_and_send(transport, plain)
        if data is None:
            return
        _note_sent(route.sent, seq + rule.seq_offset, plain)
        if rule.keep_ciphertext:
            kept = transport.kept.setdefault(rule.ssrc, OrderedDict())
            kept[(seq + rule.seq_offset) & 0xFFFF] = data
            if len(kept) > KEPT_PACKETS:
                kept.popitem(last=False)

    def _protect_and_send(self, transport: Transport, plain: bytes) -> bytes | None:
        assert transport.srtp is not None
        try:
            data = transport.srtp.protect(plain)
        except SrtpError:
            self._counters.dropped_send += 1
            return None
        self._send(transport, data)
        return data

    def _send(self, transport: Transport, data: bytes) -> None:
        if not transport.send(data):
            self._counters.dropped_send += 1
            return
        self._counters.packets_out += 1
        self._counters.bytes_out += len(data)
        self._counters.oversized += len(data) > LARGE_DATAGRAM_BYTES

    # actions of the forwarder

    def _install(self, action: actions.Install) -> None:
        transport = self._transports.get(action.rule.peer)
        stream = self._forwarder.state.streams.get(action.rule.stream)
        if transport is None or stream is None:
            return
        routes = self._routes.get(action.source, [])
        self._routes[action.source] = [*routes, _Route(action.rule, transport, stream.sent)]

    def _replace(self, action: actions.Replace) -> None:
        for route in self._routes.get(action.source, ()):
            if route.rule == action.old:
                self._routes[action.source] = [
                    r for r in self._routes[action.source] if r is not route
                ]
                if action.new is not None:
                    self._install(actions.Install(action.source, action.new))
                return

    def _uninstall(self, action: actions.Uninstall) -> None:
        self._routes.pop(action.source, None)

    def _replay(self, action: actions.Replay) -> None:
        source = self._forwarder.state.sources.get(action.source)
        route = next(
            (r for r in self._routes.get(action.source, ()) if r.rule == action.rule), None
        )
        if source is None or route is None:
            return
        for seq in range(action.first, action.last + 1):
            packet = source.ring.get(seq)
            if packet is not None:
                self._apply(route, packet, seq)

    def _resend(self, action: actions.Resend) -> None:
        source = self._forwarder.state.sources.get(action.source)
        transport = self._transports.get(action.rule.peer)
        packet = source.ring.get(action.seq) if source else None
        if packet is None or transport is None or transport.srtp is None:
            return
        transport.twcc_sent += 1
        plain = render_rtx(
            action.rule,
            packet,
            action.seq,
            transport.twcc_sent,
            rtx_ssrc=action.rtx_ssrc,
            rtx_payload_type=action.rtx_payload_type,
            rtx_seq=action.rtx_seq,
        )
        self._protect_and_send(transport, plain)

    def _resend_kept(self, action: actions.ResendKept) -> None:
        transport = self._transports.get(action.peer)
        kept = transport.kept.get(action.ssrc) if transport else None
        data = kept.get(action.seq) if kept else None
        if data is not None and transport is not None:
            self._send(transport, data)

    def _send_rtcp(self, action: actions.SendRtcp) -> None:
        transport = self._transports.get(action.peer)
        if transport is None or transport.srtp is None:
            return
        try:
            data = transport.srtp.protect_rtcp(action.data)
        except SrtpError:
            self._counters.dropped_send += 1
            return
        if transport.send(data):
            self._counters.rtcp_out += 1

    def _emit_event(self, action: actions.Emit) -> None:
        self._emit(action.event)


def _extended(source: Source, packet: bytes) -> int:
    """The packet's sequence number as a whole number near the newest one."""
    seq = header.sequence_number(packet)
    highest = source.ring.highest
    if highest < 0:
        return seq + 0x10000  # room below for what comes late
    return highest + seq_difference(seq, highest & 0xFFFF)


def _is_cut(source: Source, packet: bytes, start: int, size: int) -> bool:
    """Whether a VP8 payload ends inside its descriptor, so that it cannot be renumbered."""
    if source.codec.name != "VP8":
        return False
    try:
        vp8.parse(packet[: start + size], start)
    except header.RtpError:
        return True
    return False


def _note_sent(sent: Sent, seq: int, plain: bytes) -> None:
    sent.packets += 1
    sent.octets += len(plain) - header.payload_offset(plain)
    if seq > sent.highest:
        sent.highest = seq

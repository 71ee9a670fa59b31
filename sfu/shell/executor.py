"""The Python executor: put in the ring, apply rules, protect, send, count.

`Intake` gives it the authentic packets. It knows no policy: rules come from the forwarder, and what
no rule covers (unknown ssrc, switch point, empty packet, RTCP) is punted to it; its actions are
carried out at once. Reference for, and fallback of, a native executor: the same packets in give the
same plaintext out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from sfu.api import AnyEvent
from sfu.core.counters import Counters
from sfu.core.forwarder import actions
from sfu.core.forwarder.forwarder import Forwarder
from sfu.core.forwarder.model import Source, Stream
from sfu.core.forwarder.pacing import Pacer, Waiting
from sfu.core.forwarder.rule import EVERY_TID, HeaderTemplate, Rule, audio_level, render_rtx
from sfu.core.rtp import header, red, vp8
from sfu.core.rtp.codecs import is_switch_point
from sfu.shell.intake import Intake, Transport
from sfu.shell.probes import Probes
from sfu.shell.srtp import Srtp
from sfu.shell.srtp_errors import Sealer, SrtpError

__all__ = ["Executor", "Transport"]

KEPT_PACKETS = 50  # ciphertexts per audio stream: 1 s
LARGE_DATAGRAM_BYTES = 1200
VP8_DESCRIPTOR_BYTES = 6  # RFC 7741 4.2, the longest
RELEASE_S = 0.005  # between two looks at what waits for a slow link
MAX_WAITING = 64  # datagrams: half a millisecond of work stands between a packet and its sending


class _Route:
    """A rule with where it leads, and the account of its stream."""

    __slots__ = (
        "_note",
        "_payload_type",
        "_seal",
        "_srtp",
        "_template",
        "is_audio",
        "is_thinned",
        "pacer",
        "rule",
        "sent",
        "transport",
    )

    def __init__(self, rule: Rule, transport: Transport, stream: Stream) -> None:
        self.rule = rule
        self.transport = transport
        self.sent = stream.sent
        self.pacer = stream.pacer
        self.is_audio = stream.kind == "audio"
        self.is_thinned = rule.max_tid < EVERY_TID
        self._note = stream.log.note if rule.extensions.twcc else None
        self._template = HeaderTemplate(rule.extensions, rule.ssrc)
        self._payload_type = rule.red_payload_type or rule.payload_type
        self._srtp: Srtp | None = None
        self._seal: Sealer

    def render(
        self, srtp: Srtp, packet: bytes, seq: int, level: int, payload: bytes, now: float
    ) -> bytes:
        """The packet as it leaves, and the account of it. Raises SrtpError."""
        rule, transport, sent = self.rule, self.transport, self.sent
        if srtp is not self._srtp:
            self._seal, self._srtp = srtp.sealer(rule.ssrc), srtp
        if self._note is not None:
            transport.twcc_sent += 1
        number = seq + rule.seq_offset
        head = self._template.fill(
            packet[1] & 0x80 | self._payload_type,
            number,
            int.from_bytes(packet[4:8]) + rule.timestamp_offset,
            transport.twcc_sent,
            level,
        )
        data = self._seal(head, payload)
        if self._note is not None:
            self._note(transport.twcc_sent, now, len(data), transport.cluster)
        sent.packets += 1
        sent.octets += len(payload)
        if number > sent.highest:
            sent.highest = number
        return data


class Executor:
    """Packets of every peer of one worker; events go to `emit`."""

    def __init__(
        self,
        forwarder: Forwarder,
        counters: Counters,
        emit: Callable[[AnyEvent], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._intake = Intake(forwarder, counters, self._forward, self._obey)
        self.delay = self._intake.delay
        self._forwarder = forwarder
        self._counters = counters
        self._emit = emit
        self._transports: dict[str, Transport] = {}
        self._laden: list[Transport] = []  # those whose outbox holds something
        self._waiting = 0  # datagrams in outboxes
        self._routes: dict[int, list[_Route]] = {}
        self._holding: list[Pacer] = []  # those with a queue
        self._probes = Probes(self._post_media)
        self._carry_out: dict[type, Callable[..., None]] = {
            actions.Install: self._install,
            actions.Replace: self._replace,
            actions.Uninstall: self._uninstall,
            actions.Replay: self._replay,
            actions.Resend: self._resend,
            actions.ResendKept: self._resend_kept,
            actions.Probe: self._probe,
            actions.SendRtcp: self._send_rtcp,
            actions.Emit: self._emit_event,
        }

    def add(self, transport: Transport) -> None:
        self._transports[transport.peer] = transport

    def remove(self, peer: str) -> None:
        self._transports.pop(peer, None)

    def drain(self) -> None:
        """Carry out everything the forwarder asks for, and send."""
        self._obey()
        self.flush()

    def flush(self) -> bool:
        """Send what waits, each peer's datagrams together: the end of a batch of `receive`.

        True if media came since the last time.
        """
        laden, self._laden, self._waiting = self._laden, [], 0
        for transport in laden:
            outbox, transport.outbox = transport.outbox, []
            self._counters.dropped_send += len(outbox) - transport.send(outbox)
        return self._intake.observe_delay()

    def _obey(self) -> None:
        while todo := self._forwarder.drain():
            for action in todo:
                self._carry_out[type(action)](action)

    def handle_timeout(self, now: float) -> None:
        self._forwarder.handle_timeout(now)
        self._obey()
        self._release(now)
        self._probes.send(now)
        self.flush()

    def next_timeout(self, now: float) -> float:
        """When `handle_timeout` must be called at the latest, if no datagram comes before."""
        at = self._forwarder.next_timeout(now)
        return min(at, now + RELEASE_S) if self._holding or self._probes.running else at

    # one packet in

    def receive(self, transport: Transport, data: bytes, arrival: float) -> bool:
        """An SRTP or SRTCP datagram; True if it was authentic. `flush` sends what comes of it."""
        return self._intake.receive(transport, data, arrival)

    def _forward(
        self, source: Source, seq: int, packet: bytes, start: int, size: int, arrival: float
    ) -> None:
        if 0 < size < VP8_DESCRIPTOR_BYTES and _is_cut(source, packet, start, size):
            self._counters.dropped_malformed += 1
            return
        ring = source.ring
        if seq > ring.highest + ring.capacity and ring.highest >= 0:
            self._forwarder.receive_leap(source, seq, arrival)
            self._obey()
        if seq != ring.highest + 1:
            self._forwarder.state.hurried = True  # a gap, or what fills one
        if not ring.put(seq, packet if size else None, arrival):
            self._counters.dropped_duplicate += 1
            return
        if size == 0 and seq == ring.highest:
            self._forwarder.receive_empty(source, seq, arrival)
            self._obey()
            return  # a late one has its number already: it is sent
        if (
            (source.awaited or source.track.keyframe_wanted_since is not None)
            and size
            and is_switch_point(source.codec.name, packet, start)
        ):
            self._forwarder.receive_switch_point(source, seq, arrival)
            self._obey()
        routes = self._routes.get(source.id)
        if routes:
            self._apply(source, routes, packet, seq, start, size)
            if self._waiting >= MAX_WAITING:
                self.flush()

    # one packet out

    def _apply(
        self,
        source: Source,
        routes: list[_Route],
        packet: bytes,
        seq: int,
        start: int,
        size: int,
        *,
        whole: bool = False,
    ) -> None:
        """Send a packet by each of the routes that is for it; `whole`: of any temporal layer."""
        now = self._clock()
        surplus: list[int] = []  # streams that take fewer temporal layers
        payload = plain = packet[start : start + size]
        moved = (0, 0)  # by which `payload`'s VP8 numbers are
        for route in routes:
            rule = route.rule
            if not rule.first <= seq <= rule.last:
                continue
            srtp = route.transport.srtp
            if srtp is None:
                continue
            thinned = route.is_thinned and not whole
            if thinned and vp8.temporal_layer(packet, start) > rule.max_tid:
                surplus.append(rule.stream)
                continue
            if rule.vp8 and rule.vp8_offsets != moved and size:
                moved = rule.vp8_offsets
                payload = vp8.rewrite(plain, 0, *moved)
            content = payload
            if rule.red_payload_type:
                content = _redundant(source, rule, packet, seq, plain)
            level = audio_level(rule, packet) if rule.extensions.level_id else 0
            if not (route.pacer.is_idle or self._goes_now(route, size, now)):
                send = partial(self._send, route, packet, seq, level, content)
                self._hold(route.pacer, Waiting(send, size, rule.stream), packet, now)
                continue
            try:  # as `_send` does; a call less
                data = route.render(srtp, packet, seq, level, content, now)
            except SrtpError:
                self._counters.dropped_send += 1
                continue
            self._post_media(route.transport, data)
            if rule.keep_ciphertext:
                _keep(route.transport, rule.ssrc, seq + rule.seq_offset, data)
        if surplus:
            self._forwarder.receive_surplus(source, seq, surplus, now)
            self._obey()

    def _send(
        self, route: _Route, packet: bytes, seq: int, level: int, payload: bytes, now: float
    ) -> None:
        transport, rule = route.transport, route.rule
        srtp = transport.srtp
        if srtp is None:
            return
        try:
            data = route.render(srtp, packet, seq, level, payload, now)
        except SrtpError:
            self._counters.dropped_send += 1
            return
        self._post_media(transport, data)
        if rule.keep_ciphertext:
            _keep(transport, rule.ssrc, seq + rule.seq_offset, data)

    def _goes_now(self, route: _Route, size: int, now: float) -> bool:
        """Whether a packet of a paced subscriber need not wait: sound never does."""
        if route.is_audio:
            route.pacer.spend(size)
            return True
        return route.pacer.admits(size, now)

    def _hold(self, pacer: Pacer, waiting: Waiting, packet: bytes, now: float) -> None:
        if pacer not in self._holding:
            self._holding.append(pacer)
        if not pacer.put(waiting, packet[4:8]):
            self._counters.dropped_paced += 1
            self._forwarder.receive_overflow(waiting.stream, now)
            self._obey()

    def _release(self, now: float) -> None:
        """Send what no longer has to wait."""
        for pacer in self._holding:
            while (waiting := pacer.next(now)) is not None:
                waiting.send(now)
        self._holding = [pacer for pacer in self._holding if pacer.is_holding]

    def _post_media(self, transport: Transport, data: bytes) -> None:
        size, counters = len(data), self._counters
        counters.packets_out += 1
        counters.bytes_out += size
        if size > LARGE_DATAGRAM_BYTES:
            counters.oversized += 1
        if not transport.outbox:  # as `_post` does; a call less
            self._laden.append(transport)
        transport.outbox.append(data)
        self._waiting += 1

    def _post(self, transport: Transport, data: bytes) -> None:
        if not transport.outbox:
            self._laden.append(transport)
        transport.outbox.append(data)
        self._waiting += 1

    # actions of the forwarder

    def _install(self, action: actions.Install) -> None:
        transport = self._transports.get(action.rule.peer)
        stream = self._forwarder.state.streams.get(action.rule.stream)
        if transport is None or stream is None:
            return
        routes = self._routes.get(action.source, [])
        self._routes[action.source] = [*routes, _Route(action.rule, transport, stream)]

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
                start = header.payload_offset(packet)
                size = len(packet) - start - header.padding_length(packet)
                self._apply(source, [route], packet, seq, start, size, whole=action.whole)

    def _resend(self, action: actions.Resend) -> None:
        source = self._forwarder.state.sources.get(action.source)
        transport = self._transports.get(action.rule.peer)
        stream = self._forwarder.state.streams.get(action.rule.stream)
        packet = source.ring.get(action.seq) if source else None
        if packet is None or stream is None or transport is None or transport.srtp is None:
            return
        counted = action.rule.extensions.twcc
        transport.twcc_sent += counted
        plain = render_rtx(
            action.rule,
            packet,
            action.seq,
            transport.twcc_sent,
            rtx_ssrc=action.rtx_ssrc,
            rtx_payload_type=action.rtx_payload_type,
            rtx_seq=action.rtx_seq,
        )
        try:
            data = transport.srtp.protect(plain)
        except SrtpError:
            self._counters.dropped_send += 1
            return
        stream.pacer.spend(len(data))
        if counted:
            stream.log.note(transport.twcc_sent, self._clock(), len(data), transport.cluster)
        self._post_media(transport, data)

    def _probe(self, action: actions.Probe) -> None:
        stream = self._forwarder.state.streams.get(action.stream)
        transport = self._transports.get(stream.peer) if stream else None
        if stream is not None and transport is not None:
            self._probes.start(transport, stream, action, self._clock())

    def _resend_kept(self, action: actions.ResendKept) -> None:
        transport = self._transports.get(action.peer)
        kept = transport.kept.get(action.ssrc) if transport else None
        data = kept.get(action.seq) if kept else None
        if data is not None and transport is not None:
            self._post_media(transport, data)

    def _send_rtcp(self, action: actions.SendRtcp) -> None:
        transport = self._transports.get(action.peer)
        if transport is None or transport.srtp is None:
            return
        try:
            data = transport.srtp.protect_rtcp(action.data)
        except SrtpError:
            self._counters.dropped_send += 1
            return
        self._counters.rtcp_out += 1
        self._post(transport, data)

    def _emit_event(self, action: actions.Emit) -> None:
        self._emit(action.event)


def _keep(transport: Transport, ssrc: int, number: int, data: bytes) -> None:
    kept = transport.kept.setdefault(ssrc, {})
    kept[number & 0xFFFF] = data
    if len(kept) > KEPT_PACKETS:
        del kept[next(iter(kept))]


def _redundant(source: Source, rule: Rule, packet: bytes, seq: int, primary: bytes) -> bytes:
    """The sound of a packet with that of those before it (RFC 2198)."""
    earlier: list[tuple[int, bytes]] = []
    for number in range(seq - rule.red_earlier, seq):
        before = source.ring.get(number)
        if before is not None:
            start = header.payload_offset(before)
            end = len(before) - header.padding_length(before)
            offset = header.timestamp(packet) - header.timestamp(before) & 0xFFFFFFFF
            earlier.append((offset, before[start:end]))
    return red.pack(rule.payload_type, primary, earlier)


def _is_cut(source: Source, packet: bytes, start: int, size: int) -> bool:
    """Whether a VP8 payload ends inside its descriptor, so that it cannot be renumbered."""
    if source.codec.name != "VP8":
        return False
    try:
        vp8.parse(packet[: start + size], start)
    except header.RtpError:
        return True
    return False

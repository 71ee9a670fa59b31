"""Bandwidth probes under way: padding is sent until the cluster has its rate and its size.

Empty packets with padding on a repair ssrc: receivers report their arrival and show nothing. Media
that leaves meanwhile is part of the cluster, so the padding only fills up.
"""

from __future__ import annotations

from collections.abc import Callable

from sfu.core.forwarder.actions import Probe
from sfu.core.forwarder.model import Stream
from sfu.core.forwarder.rule import HeaderTemplate, plan_extensions
from sfu.shell.intake import Transport
from sfu.shell.srtp_errors import SrtpError

PADDING_BYTES = 255  # RFC 3550 5.1: the last byte counts them, itself included
MAX_DURATION_S = 0.5
PADDED = 0x20  # P bit of the first byte
_PADDING = bytes(PADDING_BYTES - 1) + bytes((PADDING_BYTES,))


class _Running:
    __slots__ = ("_header", "_payload_type", "cluster", "started", "stream", "transport")

    def __init__(self, transport: Transport, stream: Stream, probe: Probe, now: float) -> None:
        self.transport = transport
        self.stream = stream
        self.cluster = probe.cluster
        self.started = now
        self._payload_type = probe.payload_type
        ids = stream.extensions
        plan = plan_extensions(
            mid_id=ids.mid, mid=stream.mid, twcc_id=ids.transport_cc, level_id=0, source_level_id=0
        )
        self._header = HeaderTemplate(plan, stream.rtx_ssrc)

    def packet(self) -> bytes:
        """The next one, plain."""
        stream, transport = self.stream, self.transport
        stream.next_rtx_seq += 1
        transport.twcc_sent += 1
        head = self._header.fill(
            self._payload_type,
            stream.next_rtx_seq,
            stream.last_timestamp,
            transport.twcc_sent,
            0,
        )
        return bytes((head[0] | PADDED,)) + head[1:] + _PADDING


class Probes:
    """All probes of one executor; `post` gets each encrypted packet."""

    def __init__(self, post: Callable[[Transport, bytes], None]) -> None:
        self.running: list[_Running] = []
        self._post = post

    def start(self, transport: Transport, stream: Stream, probe: Probe, now: float) -> None:
        """Begin a cluster; the first packet leaves with the next `send`."""
        self.running.append(_Running(transport, stream, probe, now))
        transport.cluster = probe.cluster.id

    def send(self, now: float) -> None:
        """Whatever of each cluster is due."""
        if self.running:
            self.running = [one for one in self.running if self._advance(one, now)]

    def _advance(self, one: _Running, now: float) -> bool:
        """True if there is more to come."""
        transport, log, cluster = one.transport, one.stream.log, one.cluster
        size = cluster.size_bytes
        due = min(size, 1 + cluster.rate_bps * (now - one.started) / 8)
        sent = log.spans[cluster.id].octets if cluster.id in log.spans else 0
        while sent < due and transport.srtp is not None:
            try:
                data = transport.srtp.protect(one.packet())
            except SrtpError:
                break
            log.note(transport.twcc_sent, now, len(data), cluster.id)
            self._post(transport, data)
            sent += len(data)
        if sent < size and now - one.started < MAX_DURATION_S and transport.srtp is not None:
            return True
        transport.cluster = 0
        return False

"""The media worker: sockets, peers and the clock around forwarder and executor.

One instance serves all rooms of one process. Commands come by `carry_out`, events go to `emit`.
A datagram's first byte tells its kind (RFC 7983): STUN finds its peer by user fragment, DTLS and
SRTP by the 5-tuple that an authenticated check has validated.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence

import structlog

from sfu import api
from sfu.core.counters import Counters
from sfu.core.description import Candidate
from sfu.core.forwarder.forwarder import Forwarder
from sfu.core.histogram import HistogramCounts
from sfu.core.ice import Health
from sfu.shell import stun
from sfu.shell.dtls import Certificate
from sfu.shell.executor import Executor
from sfu.shell.peer import Endpoint, Path, Peer
from sfu.shell.udp import (
    ANCILLARY_BYTES,
    DATAGRAM_BYTES,
    Address,
    arrival,
    clock_offset_s,
    open_socket,
)

BATCH = 64  # datagrams per wake-up
LAG_S = 0.1
BUG_LOG_S = 1.0  # at most one log line of a bug in so long

log = structlog.get_logger(__name__)


class MediaWorker:
    """Raises OSError where an address cannot be bound."""

    def __init__(
        self,
        addresses: Sequence[str],
        candidates: Sequence[str],
        port: int,
        emit: Callable[[api.AnyEvent], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._emit = emit
        self._certificate = Certificate()
        self._counters = Counters()
        self._forwarder = Forwarder(time.time() - time.monotonic(), self._counters)
        self._executor = Executor(self._forwarder, self._counters, emit)
        self._lag = HistogramCounts()
        self._peers: dict[str, Peer] = {}
        self._by_ufrag: dict[str, Peer] = {}
        self._rate: dict[str, int] = {}  # room → bits per second that one peer may send
        self._dropping: set[asyncio.Task[None]] = set()
        self._bug_logged_at = -BUG_LOG_S
        self._endpoints = _open_endpoints(addresses, port)
        self.info = api.WorkerInfo(
            candidates=tuple(Candidate(address, port) for address in candidates),
            fingerprint=self._certificate.fingerprint,
            secret=secrets.token_bytes(32),
        )
        for endpoint in self._endpoints:
            self._loop.add_reader(endpoint.socket, self._read, endpoint)
        self._ticking = asyncio.create_task(self._tick())
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Say goodbye to every peer and release the sockets."""
        for peer in list(self._peers.values()):
            await self._drop(peer, None)
        self._ticking.cancel()
        self._watching.cancel()
        await asyncio.gather(self._ticking, self._watching, *self._dropping, return_exceptions=True)
        for endpoint in self._endpoints:
            self._loop.remove_reader(endpoint.socket)
            endpoint.socket.close()

    # commands

    async def carry_out(self, command: api.AnyCommand) -> api.AnyReply:
        now = time.monotonic()
        reply: api.AnyReply = api.Done()
        match command:
            case api.OpenRoom():
                self._forwarder.open_room(command.room, command.max_peers)
                self._rate[command.room] = command.max_peer_bitrate_bps
            case api.ConnectPeer():
                reply = await self._connect(command, now)
            case api.SetView():
                self._forwarder.set_view(command.peer, command.slots, now)
            case api.SlotReady():
                self._forwarder.slot_ready(command.peer, command.slot, command.epoch, now)
            case api.SetMuted():
                self._forwarder.set_muted(command.peer, command.source, command.muted, now)
            case api.ClosePeer():
                await self._close_peer(command.peer)
            case api.CloseRoom():
                await self._close_room(command.room, now)
            case api.GetPeers():
                reply = self._list_peers()
            case api.GetStats():
                reply = self._stats()
        self._executor.drain()
        return reply

    async def _connect(self, command: api.ConnectPeer, now: float) -> api.AnyReply:
        peer = self._peers.get(command.peer)
        if peer is not None and not (
            peer.room == command.room and peer.continues(command.connection)
        ):
            await self._drop(peer, None)
            peer = None
        sections = command.connection.sections
        refused = self._forwarder.describe_peer(command.room, command.peer, sections, now)
        if refused is not None:
            return refused
        if peer is None:
            peer = self._add_peer(command, now)
        else:
            peer.update(command.connection)
            self._forget_ufrags(peer)
        self._by_ufrag[command.connection.local_ufrag] = peer
        peer.transport.publisher = self._forwarder.state.publisher(peer.id)
        return api.Done()

    def _add_peer(self, command: api.ConnectPeer, now: float) -> Peer:
        peer = Peer(
            command.peer,
            command.room,
            command.connection,
            self._certificate,
            self._rate[command.room],
            now,
        )
        peer.start(self._connected, self._lost)
        self._peers[peer.id] = peer
        self._executor.add(peer.transport)
        return peer

    async def _close_peer(self, peer_id: str) -> None:
        peer = self._peers.get(peer_id)
        if peer is not None:
            await self._drop(peer, None)

    async def _close_room(self, room: str, now: float) -> None:
        for peer in [p for p in self._peers.values() if p.room == room]:
            await self._drop(peer, None)
        self._forwarder.close_room(room, now)
        self._rate.pop(room, None)

    def _list_peers(self) -> api.Peers:
        return api.Peers(tuple((p.room, p.id, p.connected) for p in self._peers.values()))

    async def close_rooms(self) -> None:
        """Nobody asks for these calls any more."""
        for room in list(self._forwarder.state.rooms):
            await self._close_room(room, time.monotonic())

    def announce(self) -> None:
        """Tell a new caller what the slots show."""
        self._forwarder.announce_slots()
        self._executor.drain()

    def _stats(self) -> api.Stats:
        return api.Stats(
            rooms=len(self._forwarder.state.rooms),
            peers=len(self._peers),
            counters=self._counters.as_dict(),
            forwarding_delay=self._executor.delay.value(),
            loop_lag=self._lag.value(),
        )

    # peers

    def _connected(self, peer: Peer) -> None:
        if self._peers.get(peer.id) is not peer:
            return
        self._forwarder.peer_connected(peer.id, time.monotonic())
        self._emit(api.PeerConnected(peer.room, peer.id))
        self._executor.drain()

    def _lost(self, peer: Peer, reason: str) -> None:
        self._counters.handshakes_failed += reason in ("dtls", "fingerprint")
        self._counters.fingerprint_mismatches += reason == "fingerprint"
        task = self._loop.create_task(self._drop(peer, reason))
        self._dropping.add(task)
        task.add_done_callback(self._dropping.discard)

    async def _drop(self, peer: Peer, reason: str | None) -> None:
        """Everything but the goodbye happens at once, so that the id may come again meanwhile."""
        if self._peers.get(peer.id) is not peer:
            return
        del self._peers[peer.id]
        self._forget_ufrags(peer)
        self._executor.remove(peer.id)
        self._forwarder.close_peer(peer.id, time.monotonic())
        self._executor.drain()
        if reason is not None:
            log.info("peer_lost", room=peer.room, peer=peer.id, reason=reason)
            self._emit(api.PeerLost(peer.room, peer.id, reason))
        await peer.close()

    def _forget_ufrags(self, peer: Peer) -> None:
        """Those by which the peer takes no more checks."""
        gone = self._peers.get(peer.id) is not peer
        for ufrag in [u for u, p in self._by_ufrag.items() if p is peer]:
            if gone or peer.ice.password_for(ufrag) is None:
                del self._by_ufrag[ufrag]

    # datagrams

    def _read(self, endpoint: Endpoint) -> None:
        offset_s = clock_offset_s()
        receive = endpoint.socket.recvmsg
        for _ in range(BATCH):
            try:
                data, ancillary, _, address = receive(DATAGRAM_BYTES, ANCILLARY_BYTES)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier send
                continue
            if not data:
                continue
            try:
                self._receive(endpoint, address, data, arrival(ancillary, offset_s))
            except Exception as bug:  # noqa: BLE001 - the edge: one datagram must not stop the rest
                self._survive(bug)

    def _receive(self, endpoint: Endpoint, address: Address, data: bytes, at: float) -> None:
        kind = data[0]
        if 127 < kind < 192:
            self._receive_media(endpoint, address, data, at)
        elif kind < 4:
            self._receive_stun(endpoint, address, data, at)
        elif 19 < kind < 64:
            peer = endpoint.peers.get(address)
            if peer is None:
                self._counters.dropped_dtls += 1
            else:
                peer.dtls.receive(data)
        else:
            self._counters.dropped_datagram += 1

    def _receive_media(self, endpoint: Endpoint, address: Address, data: bytes, at: float) -> None:
        peer = endpoint.peers.get(address)
        if peer is None:
            self._counters.dropped_media += 1
        elif self._executor.receive(peer.transport, data, at):
            path = peer.ice.carrying
            if path is None or path.address != address or path.endpoint is not endpoint:
                peer.moved(Path(endpoint, address), at)

    def _receive_stun(self, endpoint: Endpoint, address: Address, data: bytes, at: float) -> None:
        ufrag = stun.peek_user(data)
        peer = self._by_ufrag.get(ufrag) if ufrag else None
        password = peer.ice.password_for(ufrag) if peer and ufrag else None
        if peer is None or ufrag is None or password is None:
            self._counters.dropped_stun += 1
            return
        try:
            request = stun.Request(data, password)
        except stun.StunError:
            self._counters.dropped_stun += 1
            return
        path = Path(endpoint, address)
        holder = endpoint.peers.get(address)
        if holder is not None and holder is not peer and holder.ice.selected == path:
            self._counters.dropped_stun += 1  # a forged sender address must not cut a call off
            return
        self._counters.stun_in += 1
        path.send(request.response((address[0], address[1]), password))
        peer.checked(path, ufrag, request.nominated, at)

    # time

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.005)
            if not self._peers:
                continue
            try:
                self._executor.handle_timeout(time.monotonic())
            except Exception as bug:  # noqa: BLE001 - the edge: the clock of all calls
                self._survive(bug)

    async def _watch(self) -> None:
        """Liveness of peers, and how late this loop is."""
        expected = time.monotonic()
        while True:
            await asyncio.sleep(LAG_S)
            now = time.monotonic()
            expected = max(expected + LAG_S, now - 10)
            self._lag.observe(max(0.0, now - expected))
            expected = now
            for peer in list(self._peers.values()):
                self._watch_peer(peer, now)

    def _watch_peer(self, peer: Peer, now: float) -> None:
        health = peer.health(now)
        if health is Health.LOST:
            self._lost(peer, peer.lost_reason(now))
        else:
            self._forwarder.receive_health(peer.id, health is Health.UNSTABLE)

    def _survive(self, bug: Exception) -> None:
        now = time.monotonic()
        if now - self._bug_logged_at >= BUG_LOG_S:
            self._bug_logged_at = now
            log.error("media_bug", exc_info=bug)


def _open_endpoints(addresses: Sequence[str], port: int) -> list[Endpoint]:
    endpoints: list[Endpoint] = []
    try:
        for address in addresses:
            endpoints.append(Endpoint(open_socket(address, port)))
    except OSError:
        for endpoint in endpoints:
            endpoint.socket.close()
        raise
    return endpoints

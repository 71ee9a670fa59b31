"""The media worker: peers and the clock around forwarder and executor.

One instance serves all rooms of one process. Commands come by `carry_out`, events go to `emit`,
packets by `Datagrams`. A bug that one packet or one tick meets is logged and survived: there are
other people's calls.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog

from sfu import api
from sfu.core.candidates import taken_by_browsers
from sfu.core.counters import Counters
from sfu.core.description import Candidate
from sfu.core.forwarder.forwarder import Forwarder
from sfu.core.ice import Credentials, Health
from sfu.core.limits import JOINS, UNFINISHED, Bucket
from sfu.core.pace import Pace
from sfu.shell.datagrams import Datagrams
from sfu.shell.dtls import Certificate
from sfu.shell.executor import Executor
from sfu.shell.peer import Peer
from sfu.shell.pulse import Pulse
from sfu.shell.strain import Strain

OVERLOADED = "The server carries as many calls as it can. Please try again in a few minutes."
BUG_LOG_S = 1.0  # at most one log line of a bug in so long

log = structlog.get_logger(__name__)


class EdgeSettings(msgspec.Struct, frozen=True):
    """For a worker that is reached over TCP, too: by ICE-TCP at `port`, and by TURN."""

    socket_path: str  # where the edge finds the worker
    port: int


class MediaWorker:
    """Raises OSError where an address cannot be bound."""

    def __init__(
        self,
        addresses: Sequence[str],
        candidates: Sequence[str],
        port: int,
        emit: Callable[[api.AnyEvent], None],
        edge: EdgeSettings | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._emit = emit
        self._certificate = Certificate()
        self._counters = Counters()
        self._forwarder = Forwarder(time.time() - time.monotonic(), self._counters)
        self._executor = Executor(self._forwarder, self._counters, self._tell)
        self._peers: dict[str, Peer] = {}
        self._rate: dict[str, int] = {}  # room → bits per second that one peer may send
        self._joins: dict[str, Bucket] = {}  # room → new connections
        self._dropping: set[asyncio.Task[None]] = set()
        self._bug_logged_at = -BUG_LOG_S
        pace = Pace()
        self._pulse = Pulse(self._executor, self._watch, self._survive, pace)
        self._strain = Strain(self._executor.delay, self._pulse.lag)
        self._datagrams = Datagrams(
            *(addresses, port, self._executor, self._counters, self._survive, self._pulse.finish),
            pace=pace,
            edge_socket=edge.socket_path if edge else "",
        )
        udp = tuple(Candidate(address, port) for address in candidates)
        tcp = tuple(Candidate(each, edge.port, "tcp") for each in candidates) if edge else ()
        self.info = api.WorkerInfo(
            candidates=taken_by_browsers(udp + tcp),
            fingerprint=self._certificate.fingerprint,
            secret=secrets.token_bytes(32),
        )

    async def close(self) -> None:
        """Say goodbye to every peer and release the sockets."""
        for peer in list(self._peers.values()):
            await self._drop(peer, None)
        self._pulse.close()
        await asyncio.gather(*self._dropping, return_exceptions=True)
        self._datagrams.close()

    # commands

    async def carry_out(self, command: api.AnyCommand) -> api.AnyReply:
        now = time.monotonic()
        reply: api.AnyReply = api.Done()
        match command:
            case api.OpenRoom():
                reply = self._open_room(command, now)
            case api.ConnectPeer():
                reply = await self._connect(command, now)
            case api.RestartIce():
                reply = self._restart_ice(command)
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
        self._pulse.adjust()
        return reply

    def _open_room(self, command: api.OpenRoom, now: float) -> api.AnyReply:
        """A room that is open stays open, however much there is to do."""
        is_new = command.room not in self._forwarder.state.rooms
        if is_new and not self._strain.overload.measures.takes_rooms:
            self._counters.refused_rooms += 1
            return api.Refused("overloaded", OVERLOADED)
        self._forwarder.open_room(command.room, command.max_peers)
        self._rate[command.room] = command.max_peer_bitrate_bps
        self._joins.setdefault(command.room, Bucket(JOINS, now))
        return api.Done()

    async def _connect(self, command: api.ConnectPeer, now: float) -> api.AnyReply:
        peer = self._peers.get(command.peer)
        if peer is None or peer.room != command.room or not peer.continues(command.connection):
            if not self._may_join(command.room, now):
                self._counters.refused_joins += 1
                return api.Refused("media_unavailable", "Too many connect at once. Try again.")
            if peer is not None:
                await self._drop(peer, None)
            peer = None
        sections = command.connection.sections
        refused = self._forwarder.describe_peer(
            command.room,
            command.peer,
            sections,
            now,
            owner=command.owner,
            follow=command.follow,
        )
        if refused is not None:
            return refused
        if peer is None:
            peer = self._add_peer(command, now)
        else:
            peer.update(command.connection)
            self._forget_ufrags(peer)
        self._datagrams.by_ufrag[command.connection.local_ufrag] = peer
        peer.transport.publisher = self._forwarder.state.publisher(peer.id)
        return api.Done()

    def _restart_ice(self, command: api.RestartIce) -> api.AnyReply:
        peer = self._peers.get(command.peer)
        if peer is None:
            return api.Refused("unknown_peer", "This connection does not exist any more.")
        peer.restart_ice(Credentials(command.local_ufrag, command.local_password))
        self._forget_ufrags(peer)
        self._datagrams.by_ufrag[command.local_ufrag] = peer
        return api.Done()

    def _may_join(self, room: str, now: float) -> bool:
        unfinished = sum(not peer.connected for peer in self._peers.values())
        joins = self._joins.get(room)
        return unfinished < UNFINISHED and (joins is None or joins.take(now))

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
        self._joins.pop(room, None)

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
            counters={**self._counters.as_dict(), **self._datagrams.edge_counters},
            forwarding_delay=self._executor.delay.value(),
            loop_lag=self._pulse.lag.value(),
        )

    # peers

    def _connected(self, peer: Peer) -> None:
        if self._peers.get(peer.id) is not peer:
            return
        self._forwarder.peer_connected(peer.id, time.monotonic())
        self._emit(api.PeerConnected(peer.room, peer.id))
        self._executor.drain()
        self._pulse.adjust()

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

    def _tell(self, event: api.AnyEvent) -> None:
        """What the forwarder says; a peer's way is known here only."""
        if isinstance(event, api.Quality) and event.peer in self._peers:
            way, moved = self._peers[event.peer].way_now()
            event = msgspec.structs.replace(event, way=way, moved=moved)
        self._emit(event)

    def _forget_ufrags(self, peer: Peer) -> None:
        """Those by which the peer takes no more checks."""
        gone = self._peers.get(peer.id) is not peer
        for ufrag in [u for u, p in self._datagrams.by_ufrag.items() if p is peer]:
            if gone or peer.ice.password_for(ufrag) is None:
                del self._datagrams.by_ufrag[ufrag]

    # time

    def _watch(self, now: float) -> None:
        for peer in list(self._peers.values()):
            self._watch_peer(peer, now)
        if self._strain.watch(now):
            self._forwarder.cap_height(self._strain.overload.measures.max_height, now)

    def _watch_peer(self, peer: Peer, now: float) -> None:
        health = peer.health(now)
        if health is Health.LOST:
            self._lost(peer, peer.lost_reason(now))
        else:
            self._forwarder.receive_health(peer.id, health is Health.UNSTABLE)
            self._forwarder.receive_path(peer.id, is_stream=peer.on_stream)

    def _survive(self, bug: Exception) -> None:
        now = time.monotonic()
        if now - self._bug_logged_at >= BUG_LOG_S:
            self._bug_logged_at = now
            log.error("media_bug", exc_info=bug)

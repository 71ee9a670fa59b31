"""Joins call control to the media plane: `signaling.ports.MediaPlane` over the worker's socket.

Offers are answered here, in the front, and the worker gets typed values. Rights are enforced a
second time: what a participant may not publish or see is taken out of the offer's layout before it
is negotiated, so that there is no transport for it. The plane remembers which rooms it opened, to
open them again in a worker that was restarted, and tells a lost worker as one `PlaneLost`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from sfu import api
from sfu.client import WorkerGone
from sfu.core.description import Connection
from sfu.core.sdp.layout import SlotMids
from sfu.core.sdp.model import SdpError
from sfu.core.sdp.sections import candidate_values
from sfu.negotiation import negotiate, negotiate_publisher, negotiate_viewer, restarted
from signaling import ports
from signaling.core.rights import Rights

DEFAULT_MAX_PEERS = 16


class Worker(Protocol):
    """What is used of `sfu.client.WorkerClient`."""

    @property
    def info(self) -> api.WorkerInfo | None: ...
    async def call(self, command: api.AnyCommand) -> api.AnyReply: ...
    def events(self) -> AsyncIterator[api.AnyEvent | WorkerGone]: ...


class SfuMediaPlane:
    """The media plane as call control sees it."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._max_peers: dict[str, int] = {}  # room → limit, kept over a worker's death
        self._open: set[str] = set()  # rooms that the running worker has
        self._room_of: dict[str, str] = {}  # peer → room

    async def open_room(self, room: str, max_peers: int) -> None:
        """Open a room in the worker. Raises Refused (media_unavailable …)."""
        self._max_peers[room] = max_peers
        await self._ask(api.OpenRoom(room, max_peers=max_peers))
        self._open.add(room)

    async def connect(
        self,
        room: str,
        peer: str,
        owner: str,
        offer: ports.MediaOffer | ports.DeviceOffer,
        rights: Rights,
    ) -> str:
        """The SDP answer. Raises Refused (bad_sdp, media_unavailable, room_full …)."""
        if room not in self._open:
            await self.open_room(room, self._max_peers.get(room, DEFAULT_MAX_PEERS))
        answer, connection = self._negotiate(peer, offer, rights)
        follow = None
        if isinstance(offer, ports.DeviceOffer) and offer.way == "whep":
            follow = api.Follow(offer.follow)
        self._room_of[peer] = room
        await self._ask(api.ConnectPeer(room, peer, connection, owner, follow))
        return answer

    async def restart_ice(self, peer: str, ufrag: str, password: str) -> ports.IceParameters:
        """Our new ICE credentials. Raises Refused (unknown_peer, media_unavailable …)."""
        info = self._info()
        ours = restarted(peer, ufrag, password, info)
        await self._ask(api.RestartIce(peer, *ours))
        return ports.IceParameters(*ours, candidate_values(info.candidates))

    async def set_view(self, peer: str, slots: tuple[ports.SlotView, ...]) -> None:
        """Say how large each slot is shown."""
        viewed = tuple(api.ViewedSlot(s.slot, s.width, s.height, s.priority) for s in slots)
        await self._ask(api.SetView(peer, viewed))

    async def slot_ready(self, peer: str, slot: int, epoch: int) -> None:
        """Let the slot's new picture flow."""
        await self._ask(api.SlotReady(peer, slot, epoch))

    async def set_muted(self, peer: str, source: ports.Source, muted: bool) -> None:
        """Stop or resume forwarding one source of a peer."""
        await self._ask(api.SetMuted(peer, source, muted))

    async def close_peer(self, peer: str) -> None:
        """End a peer's connection."""
        self._room_of.pop(peer, None)
        await self._ask(api.ClosePeer(peer))

    async def close_room(self, room: str) -> None:
        """End a room with everybody in it."""
        self._room_of = {peer: where for peer, where in self._room_of.items() if where != room}
        self._max_peers.pop(room, None)
        self._open.discard(room)
        await self._ask(api.CloseRoom(room))

    async def peers(self) -> dict[str, str]:
        """peer → room of every connected peer that the worker carries; {} while it is away."""
        reply = await self._worker.call(api.GetPeers())
        if not isinstance(reply, api.Peers):
            return {}
        self._open.update(room for room, _, _ in reply.peers)
        self._room_of.update({peer: room for room, peer, _ in reply.peers})
        return {peer: room for room, peer, connected in reply.peers if connected}

    async def stats(self) -> api.Stats | None:
        """The worker's counters; None while it is away."""
        reply = await self._worker.call(api.GetStats())
        return reply if isinstance(reply, api.Stats) else None

    async def events(self) -> AsyncIterator[ports.MediaEvent]:
        """Every event once, in order, for the one caller."""
        async for event in self._worker.events():
            translated = self._lost() if isinstance(event, WorkerGone) else self._translate(event)
            if translated is not None:
                yield translated

    def _info(self) -> api.WorkerInfo:
        info = self._worker.info
        if info is None:
            raise ports.Refused("media_unavailable", "The media server is starting. Try again.")
        return info

    def _negotiate(
        self, peer: str, offer: ports.MediaOffer | ports.DeviceOffer, rights: Rights
    ) -> tuple[str, Connection]:
        info = self._info()
        try:
            if isinstance(offer, ports.DeviceOffer):
                return _negotiate_device(peer, offer, rights, info)
            return _negotiate_call(peer, offer, rights, info)
        except SdpError as error:
            raise ports.Refused("bad_sdp", error.message) from error

    async def _ask(self, command: api.AnyCommand) -> api.AnyReply:
        reply = await self._worker.call(command)
        if isinstance(reply, api.Refused):
            raise ports.Refused(reply.code, reply.message)
        return reply

    def _lost(self) -> ports.PlaneLost | None:
        """Forget what lived in the dead worker; rooms keep their limits."""
        rooms = tuple(sorted({*self._open, *self._room_of.values()}))
        self._room_of.clear()
        self._open.clear()
        return ports.PlaneLost(rooms) if rooms else None

    def _translate(self, event: api.AnyEvent) -> ports.MediaEvent | None:
        match event:
            case api.PeerConnected(room, peer):
                return ports.PeerConnected(room, peer)
            case api.PeerLost(room, peer, reason):
                return ports.PeerLost(room, peer, reason)
            case api.SlotAssigned():
                return ports.SlotAssigned(
                    event.room,
                    event.peer,
                    event.slot,
                    event.publisher,
                    event.epoch,
                    event.screen,
                    event.codec_missing,
                )
            case api.SlotSwitched(room, peer, slot, epoch, rtp_timestamp):
                return ports.SlotSwitched(room, peer, slot, epoch, rtp_timestamp)
            case api.Speakers(room, peers):
                return ports.Speakers(room, peers)
            case api.Quality():
                return ports.Quality(
                    event.room,
                    event.peer,
                    event.uplink_loss,
                    event.downlink_loss,
                    event.rtt_ms,
                    event.unstable,
                    event.video,
                    event.estimate_bps,
                    event.way,
                    event.moved,
                )
            case api.LayersWanted(room, peer, source, rids):
                return ports.LayersWanted(room, peer, source, rids)
            case api.TrackAdded(room, peer, source):
                return ports.TrackAdded(room, peer, source)


def _negotiate_call(
    peer: str, offer: ports.MediaOffer, rights: Rights, info: api.WorkerInfo
) -> tuple[str, Connection]:
    publish = offer.publish if rights.publish else {}
    if rights.only_sound:
        publish = {source: mid for source, mid in publish.items() if source == "microphone"}
    slots = offer.slots if rights.subscribe else ()
    mids = tuple(SlotMids(slot.video, slot.audio, slot.screen) for slot in slots)
    return negotiate(peer, offer.sdp, publish, mids, info)


def _negotiate_device(
    peer: str, offer: ports.DeviceOffer, rights: Rights, info: api.WorkerInfo
) -> tuple[str, Connection]:
    if not (rights.publish if offer.way == "whip" else rights.subscribe):
        raise ports.Refused("not_allowed", "The token does not give the right to do this.")
    if offer.way == "whip":
        return negotiate_publisher(peer, offer.sdp, info, only_sound=rights.only_sound)
    return negotiate_viewer(peer, offer.sdp, info)

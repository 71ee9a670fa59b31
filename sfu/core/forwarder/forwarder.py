"""The brain of the media plane: decides what is forwarded, repaired and reported; moves no packet.

Pure and synchronous: inputs are `receive_*` and `handle_timeout`, each with the monotonic `now` in
seconds; after every input the caller drains all actions and carries them out before the next one.
In steady state nothing here runs per packet: the executor applies rules by itself and punts only
what no rule covers. Rings, arrival lists and what was sent are written by the executor.
"""

from __future__ import annotations

from collections.abc import Iterable

from sfu.api import Follow, Refused, ViewedSlot
from sfu.core.counters import Counters
from sfu.core.description import Section
from sfu.core.forwarder import (
    binding,
    control,
    cycle,
    overflowing,
    peers,
    published,
    routing,
    segments,
    thinning,
    thrift,
)
from sfu.core.forwarder.actions import Action
from sfu.core.forwarder.model import Publisher, Source
from sfu.core.forwarder.state import Room, State

_DUTIES = (
    (cycle.scan, cycle.SCAN_S),
    (cycle.report, cycle.REPORT_CHECK_S),
    (cycle.estimate, cycle.ESTIMATE_S),
    (cycle.maintain, cycle.RETARGET_S),
    (cycle.measure, cycle.QUALITY_S),
)


class Forwarder:
    """One worker's rooms. `wall_offset_s` = Unix seconds − monotonic seconds."""

    def __init__(self, wall_offset_s: float, counters: Counters) -> None:
        self.state = State(wall_offset_s, counters)
        self._due_at = [0.0] * len(_DUTIES)

    # rooms and peers

    def open_room(self, room: str, max_peers: int) -> None:
        self.state.rooms.setdefault(room, Room(room, max_peers)).max_peers = max_peers

    def describe_peer(
        self,
        room: str,
        peer: str,
        sections: Iterable[Section],
        now: float,
        *,
        owner: str = "",
        follow: Follow | None = None,
    ) -> Refused | None:
        """A peer's negotiated sections, at first and when they grow."""
        found = self.state.rooms.get(room)
        if found is None:
            return Refused("unknown_room", "This room is not open.")
        if peer not in found.peers and len(found.peers) >= found.max_peers:
            return Refused("room_full", "The room is full.")
        peers.describe(self.state, found, peer, sections, now, owner=owner, follow=follow)
        return None

    def peer_connected(self, peer: str, now: float) -> None:
        peers.connected(self.state, peer, now)

    def close_peer(self, peer: str, now: float) -> None:
        peers.close(self.state, peer, now)

    def close_room(self, room: str, now: float) -> list[str]:
        """The peers that were in it; each is closed."""
        found = self.state.rooms.get(room)
        gone = sorted(found.peers) if found else []
        for peer in gone:
            peers.close(self.state, peer, now)
        self.state.rooms.pop(room, None)
        return gone

    def receive_health(self, peer: str, unstable: bool) -> None:
        """Whether nothing authentic has come from the peer for longer than expected."""
        if unstable:
            self.state.unstable.add(peer)
        else:
            self.state.unstable.discard(peer)

    def receive_path(self, peer: str, *, is_stream: bool) -> None:
        """By what the peer is reached: TCP loses nothing on the way, so nothing is repaired."""
        if is_stream:
            self.state.on_stream.add(peer)
        else:
            self.state.on_stream.discard(peer)

    def set_view(self, peer: str, slots: Iterable[ViewedSlot], now: float) -> None:
        subscriber = self.state.subscriber(peer)
        if subscriber is None:
            return
        by_index = {slot.index: slot for slot in subscriber.slots}
        for viewed in slots:
            slot = by_index.get(viewed.slot)
            if slot is not None:
                slot.width, slot.height, slot.priority = (
                    viewed.width,
                    viewed.height,
                    viewed.priority,
                )
        routing.retarget(self.state, subscriber, now)

    def slot_ready(self, peer: str, index: int, epoch: int, now: float) -> None:
        subscriber = self.state.subscriber(peer)
        slot = next((s for s in subscriber.slots if s.index == index), None) if subscriber else None
        if subscriber is not None and slot is not None and slot.epoch == epoch:
            slot.ready = True
            routing.retarget(self.state, subscriber, now)

    def set_muted(self, peer: str, role: str, muted: bool, now: float) -> None:
        peers.mute(self.state, peer, role, muted, now)

    def cap_height(self, pixels: int, now: float) -> None:
        """Send nobody a larger picture than this from now on."""
        if pixels != self.state.height_cap:
            self.state.height_cap = pixels
            for room in self.state.rooms.values():
                routing.retarget_room(self.state, room, now)

    def announce_slots(self) -> None:
        """Tell every slot and every wanted layer again, to a caller that has just come."""
        for room in self.state.rooms.values():
            for subscriber in room.subscribers.values():
                for slot in subscriber.slots:
                    routing.announce(self.state, subscriber, slot)
            for publisher in room.publishers.values():
                for track in publisher.tracks.values():
                    published.tell(self.state, track)
                    thrift.tell(self.state, track)

    # what the executor punts

    def receive_unknown(self, publisher: Publisher, packet: bytes, now: float) -> Source | None:
        """An authenticated packet of an unknown ssrc; its source if that can be told."""
        place = binding.bind(publisher, packet)
        if place is None:
            return None
        return peers.bind(self.state, publisher, place, packet, now)

    def receive_switch_point(self, source: Source, seq: int, now: float) -> None:
        """Packet `seq` (in the ring) is one where the streams that await the source may begin."""
        routing.switch(self.state, source, seq, now)

    def receive_empty(self, source: Source, seq: int, now: float) -> None:
        """Packet `seq`, the newest, carries only padding: it is left out."""
        segments.leave_out(self.state, source, seq, now)

    def receive_leap(self, source: Source, seq: int, now: float) -> None:
        """Packet `seq`, not in the ring yet, is further ahead than the ring is long."""
        segments.leap(self.state, source, seq, now)

    def receive_surplus(self, source: Source, seq: int, streams: Iterable[int], now: float) -> None:
        """Packet `seq` (in the ring) is of a higher temporal layer than these streams' rules."""
        thinning.receive(self.state, source, seq, streams, now)

    def receive_overflow(self, stream: int, now: float) -> None:
        """Too much of a stream waits to be sent."""
        overflowing.restart(self.state, stream, now)

    def receive_rtcp(self, peer: str, data: bytes, now: float) -> None:
        """A plain compound packet. Raises RtcpError where it is malformed."""
        control.receive(self.state, peer, data, now)

    # time

    def handle_timeout(self, now: float) -> None:
        """Do what is due. May be called at any time, as often as one likes."""
        for index, (duty, interval_s) in enumerate(_DUTIES):
            if now >= self._due_at[index]:
                self._due_at[index] = now + interval_s
                duty(self.state, now)

    def next_timeout(self, now: float) -> float:
        """When `handle_timeout` must be called at the latest, if no datagram comes before."""
        return now + (cycle.SCAN_S if self.state.hurried else cycle.IDLE_S)

    def drain(self) -> list[Action]:
        actions, self.state.actions = self.state.actions, []
        return actions

"""Everything the forwarder knows, and the actions it has not handed out yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfu.core.counters import Counters
from sfu.core.forwarder.actions import Action
from sfu.core.forwarder.model import Publisher, Source, Stream, Subscriber
from sfu.core.forwarder.speakers import Speakers
from sfu.core.overload import NO_CAP


@dataclass(slots=True)
class Room:
    """One call. Publishers keep the order in which they came."""

    id: str
    max_peers: int
    publishers: dict[str, Publisher] = field(default_factory=dict)
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    speakers: Speakers = field(default_factory=Speakers)

    @property
    def peers(self) -> set[str]:
        return set(self.publishers) | set(self.subscribers)


@dataclass(slots=True)
class State:
    """`wall_offset_s` is Unix seconds − monotonic seconds, fixed at the start."""

    wall_offset_s: float
    counters: Counters
    rooms: dict[str, Room] = field(default_factory=dict)
    room_of: dict[str, Room] = field(default_factory=dict)  # by peer
    sources: dict[int, Source] = field(default_factory=dict)
    streams: dict[int, Stream] = field(default_factory=dict)
    connected: set[str] = field(default_factory=set)  # peers
    unstable: set[str] = field(default_factory=set)  # peers
    on_stream: set[str] = field(default_factory=set)  # peers that are reached over TCP
    actions: list[Action] = field(default_factory=list)
    hurried: bool = False  # a packet or a keyframe is missing: the next scan is wanted soon
    report_soon: bool = False  # a stream has switched: its sender report cannot wait
    height_cap: int = NO_CAP  # pixels; nobody is sent larger pictures
    last_id: int = 0

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def publisher(self, peer: str) -> Publisher | None:
        room = self.room_of.get(peer)
        return room.publishers.get(peer) if room else None

    def subscriber(self, peer: str) -> Subscriber | None:
        room = self.room_of.get(peer)
        return room.subscribers.get(peer) if room else None

"""The door of the media plane: commands in, events out, plain serialisable values only.

The same values travel in-process (tests) and over the worker's Unix socket (service). A command is
answered by `Done` or `Refused`; events come unasked. `peer` and `room` are opaque ids.
"""

from __future__ import annotations

import msgspec

from sfu.core.description import Candidate, Connection, Fingerprint, SourceRole


class Command(msgspec.Struct, frozen=True, tag=True):
    """Something the caller wants done."""


class Follow(msgspec.Struct, frozen=True):
    """A viewer without signalling: its one slot follows a participant, or whoever speaks.

    Nobody's name stands beside the picture, so the slot changes hands without `SlotReady`, and it
    never shows a peer of the viewer's own owner.
    """

    participant: str | None = None  # None: the speaker


class OpenRoom(Command, frozen=True):
    room: str
    max_peers: int = 16
    max_peer_bitrate_bps: int = 8_000_000  # what one peer may send to us


class ConnectPeer(Command, frozen=True):
    """New connection, a larger one (more slots) or an ICE restart: the newest description wins.

    The same remote fingerprints and ufrag as before update the running connection; the same
    fingerprints with a new ufrag restart ICE; other fingerprints replace the connection.
    """

    room: str
    peer: str
    connection: Connection
    owner: str = ""  # whose the peer is; "": of nobody but itself
    follow: Follow | None = None  # None: each slot belongs to one participant while they are there


class RestartIce(Command, frozen=True):
    """New credentials of ours for a running connection (RFC 8445 section 9); the old ones work on
    until the client has used the new ones. Refused (unknown_peer) where there is no such peer.
    """

    peer: str
    local_ufrag: str
    local_password: str


class ViewedSlot(msgspec.Struct, frozen=True):
    slot: int
    width: int  # CSS pixels × device pixel ratio; 0 = hidden
    height: int
    priority: int = 0  # higher is served first


class SetView(Command, frozen=True):
    peer: str
    slots: tuple[ViewedSlot, ...]


class SlotReady(Command, frozen=True):
    """The client has hidden the slot's old picture; the new one may flow."""

    peer: str
    slot: int
    epoch: int


class SetMuted(Command, frozen=True):
    """Stop or resume the forwarding of one of a peer's sources, whatever the client sends."""

    peer: str
    source: SourceRole
    muted: bool


class ClosePeer(Command, frozen=True):
    peer: str


class CloseRoom(Command, frozen=True):
    room: str


class GetStats(Command, frozen=True):
    """Asks for a `Stats` event-like answer."""


class GetPeers(Command, frozen=True):
    """Asks which peers live in the worker (a front that restarted reconciles with it)."""


AnyCommand = (
    OpenRoom
    | ConnectPeer
    | RestartIce
    | SetView
    | SlotReady
    | SetMuted
    | ClosePeer
    | CloseRoom
    | GetStats
    | GetPeers
)


class Event(msgspec.Struct, frozen=True, tag=True):
    """Something that happened in the media plane."""


class PeerConnected(Event, frozen=True):
    room: str
    peer: str


class PeerLost(Event, frozen=True):
    """The peer's connection ended: `reason` is one of path, dtls, consent, fingerprint, closed."""

    room: str
    peer: str
    reason: str


class TrackAdded(Event, frozen=True):
    room: str
    peer: str
    source: SourceRole
    codec: str


class SlotAssigned(Event, frozen=True):
    """From now on the slot is of `publisher` (None: of nobody); nothing flows before SlotReady.

    `codec_missing` names a codec that the subscriber cannot receive, "" where there is none.
    """

    room: str
    peer: str
    slot: int
    publisher: str | None
    epoch: int
    screen: bool
    codec_missing: str = ""


class SlotSwitched(Event, frozen=True):
    """The slot's publisher is sent; pictures of whoever was before have older timestamps."""

    room: str
    peer: str
    slot: int
    epoch: int
    rtp_timestamp: int


class Speakers(Event, frozen=True):
    """Who is heard now, loudest first."""

    room: str
    peers: tuple[str, ...]


class SlotPicture(msgspec.Struct, frozen=True):
    """What the link lets through of a slot's picture: full | reduced | off."""

    slot: int
    video: str


class Quality(Event, frozen=True):
    """Every 2 s while connected, and when `video` changes: loss in 0..1 over the last 2 s."""

    room: str
    peer: str
    uplink_loss: float
    downlink_loss: float
    rtt_ms: float
    unstable: bool  # no authenticated packet for longer than expected
    video: str  # full | reduced | off: off where every picture is, or the peer's own had to stop
    estimate_bps: int = 0  # what the downlink carries; 0 for a peer that only publishes
    pictures: tuple[SlotPicture, ...] = ()
    way: str = ""  # by which the peer's packets come: udp | tcp | turn; "": none is chosen yet
    moved: bool = False  # the path is another one than at the event before


class LayersWanted(Event, frozen=True):
    """Somebody has a use for these simulcast layers of a peer's source, and for no others.

    Before the first such event all are wanted. The lowest one always is, unless the peer's uplink
    carries no picture beside its sound: then none is. A microphone has two forms of which one is
    wanted: `full`, as it begins, or `low`, because somebody who hears it has a narrow link.
    """

    room: str
    peer: str
    source: SourceRole
    rids: tuple[str, ...]


AnyEvent = (
    PeerConnected
    | PeerLost
    | TrackAdded
    | SlotAssigned
    | SlotSwitched
    | Speakers
    | Quality
    | LayersWanted
)


class Done(msgspec.Struct, frozen=True, tag=True):
    """The command was carried out."""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The command was not carried out: a stable code and a sentence."""

    code: str
    message: str


class WorkerInfo(msgspec.Struct, frozen=True, tag=True):
    """What the caller needs for its answers; sent once when the connection to the worker opens.

    `secret` lives as long as the worker: ICE credentials and ssrcs are derived from it, so that a
    caller that restarted answers a running connection with the same ones.
    """

    candidates: tuple[Candidate, ...]
    fingerprint: Fingerprint
    secret: bytes


class Peers(msgspec.Struct, frozen=True, tag=True):
    """(room, peer, connected) of each peer that lives in the worker."""

    peers: tuple[tuple[str, str, bool], ...]


class Histogram(msgspec.Struct, frozen=True):
    """Cumulative counts per upper bound (seconds), Prometheus style."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    sum_s: float
    count: int


class Stats(msgspec.Struct, frozen=True, tag=True):
    """Counters since the worker's start."""

    rooms: int
    peers: int
    counters: dict[str, int]  # names in sfu/core/counters.py
    forwarding_delay: Histogram
    loop_lag: Histogram


class Request(msgspec.Struct, frozen=True, tag=True):
    """On the wire: a command and the number that its reply repeats."""

    id: int
    command: AnyCommand


class Reply(msgspec.Struct, frozen=True, tag=True):
    id: int
    reply: Done | Refused | Peers | Stats


class Notice(msgspec.Struct, frozen=True, tag=True):
    event: AnyEvent


FromWorker = WorkerInfo | Reply | Notice
AnyReply = Done | Refused | Peers | Stats

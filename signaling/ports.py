"""The only interfaces between call control and the other planes.

`signaling` knows nobody: `telemed_media.adapters` joins these ports to the media plane and to the
clinic. All values are plain and frozen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec

from signaling.core.rights import Rights

Source = Literal["microphone", "camera", "screen"]
Way = Literal["whip", "whep"]  # publishes only (RFC 9725), watches only


class Refused(Exception):
    """A refusal that the person may read: a stable code (PROTOCOL.md) and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Unavailable(Exception):
    """The clinic cannot be reached now; what it was told has to be told again."""


class Entry(msgspec.Struct, frozen=True):
    """What a token stands for."""

    room: str
    subject: (
        str  # who, for the one who issued the token; the same person twice has the same subject
    )
    name: str
    role: str  # provider | patient | guest | device
    rights: Rights
    waits: bool  # must be admitted by a moderator
    alone: bool = False  # one place at a time: whoever comes in takes it over from the other device


class Gatekeeper(Protocol):
    async def enter(self, token: str) -> Entry:
        """Consume a join token. Raises Refused (token_expired, token_used, unknown_room …)."""

    async def identify(self, token: str) -> Entry:
        """What a token stands for, also after it was used or has expired; consumes nothing.

        Raises Refused (token_invalid).
        """

    # Told in order, with Unix seconds of what happened; each may raise Unavailable and is then told
    # again, before any other. A repeated word about the same participant is no error.
    async def joined(self, room: str, subject: str, participant: str, at: float) -> None: ...
    async def admitted(self, room: str, subject: str, participant: str, at: float) -> None: ...
    async def left(
        self, room: str, subject: str, participant: str, at: float, why: str
    ) -> None: ...
    async def media_came(
        self, room: str, subject: str, participant: str, source: Source, at: float
    ) -> None: ...
    async def ended(self, room: str, subject: str, at: float) -> None:
        """A moderator ended the visit for everybody."""

    async def settled(self, participants: frozenset[str]) -> None:
        """Told at start: these have a seat; whoever else was told to have joined is gone."""


class ChatEntry(msgspec.Struct, frozen=True):
    id: str  # sorts by time
    participant: str
    name: str
    text: str
    at: float  # Unix seconds


class VisitLog(Protocol):
    async def append_chat(
        self, room: str, participant: str, name: str, key: str, text: str, at: float
    ) -> ChatEntry:
        """Store a message before it is acknowledged; (participant, key) again gives the first."""

    async def history(self, room: str, since: str | None) -> list[ChatEntry]: ...
    async def note_quality(self, batch: str, notes: tuple[QualityNote, ...]) -> None:
        """Keep how calls were. The same batch again changes nothing. Raises Unavailable."""


Level = Literal["good", "fair", "poor", "bad"]


class QualityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Some seconds of a call as one person had it; the four levels add up to what was reported.

    `height` and `way` are the newest, the others sums, or the worst where nothing can be added.
    """

    at_ms: int  # Unix milliseconds
    until_ms: int
    good_ms: int = 0
    fair_ms: int = 0
    poor_ms: int = 0
    bad_ms: int = 0
    heard_ms: int = 0  # that there should have been sound
    concealed_ms: int = 0  # of it made up
    seen_ms: int = 0  # that there should have been a picture
    frames: int = 0
    freeze_ms: int = 0
    height: int = 0  # pixels; 0: no picture came
    rtt_ms: int = 0
    loss_in: int = 0  # thousandths
    loss_out: int = 0
    kbps: int = 0  # that the way to the person carries; 0: not known
    way: str = ""  # udp | tcp | turn; "": not known


class QualityEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that went wrong, or changed. `others` are subjects: who did not get it, or from
    whom nothing came. `detail` is a code."""

    kind: Literal[
        "microphone_silent",
        "camera_black",
        "speaker_blocked",
        "not_heard_by",
        "not_seen_by",
        "reconnected",
        "media_reconnected",
        "way_changed",
    ]
    at_ms: int  # Unix milliseconds
    lasted_ms: int = 0
    others: tuple[str, ...] = ()
    detail: str = ""


class QualityNote(msgspec.Struct, frozen=True):
    """One word of how a call was for a person (their subject), or of what befell them."""

    room: str
    subject: str
    said: QualityPoint | QualityEvent


class SlotMids(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The m-lines of one slot: an audio + video pair, or the screen slot (video only)."""

    video: str | None = None
    audio: str | None = None
    screen: bool = False


class MediaOffer(msgspec.Struct, frozen=True):
    """An SDP offer and what its m-lines are for (mid values)."""

    sdp: str
    publish: dict[Source, str]
    slots: tuple[SlotMids, ...]


class DeviceOffer(msgspec.Struct, frozen=True):
    """An SDP offer of a client without signalling; its order says what its m-lines are for."""

    sdp: str
    way: Way
    follow: str | None = None  # whom a viewer is shown: a participant; None: whoever speaks


class IceParameters(msgspec.Struct, frozen=True):
    """The plane's side of an ICE session."""

    ufrag: str
    password: str
    candidates: tuple[str, ...]  # as a=candidate lines have them (RFC 8839 section 5.1)


class SlotView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slot: int
    width: int
    height: int
    priority: int = 0


class PeerConnected(msgspec.Struct, frozen=True):
    room: str
    peer: str


class PeerLost(msgspec.Struct, frozen=True):
    room: str
    peer: str
    reason: str


class PlaneLost(msgspec.Struct, frozen=True):
    """The worker that carried these rooms died; every peer in them has to connect anew."""

    rooms: tuple[str, ...]


class TrackAdded(msgspec.Struct, frozen=True):
    """Media of one of the peer's sources has begun to come."""

    room: str
    peer: str
    source: Source


class SlotAssigned(msgspec.Struct, frozen=True):
    room: str
    peer: str
    slot: int
    publisher: str | None
    epoch: int
    screen: bool
    codec_missing: str


class SlotSwitched(msgspec.Struct, frozen=True):
    room: str
    peer: str
    slot: int
    epoch: int
    rtp_timestamp: int


class Speakers(msgspec.Struct, frozen=True):
    room: str
    peers: tuple[str, ...]


class Quality(msgspec.Struct, frozen=True):
    room: str
    peer: str
    uplink_loss: float
    downlink_loss: float
    rtt_ms: float
    unstable: bool
    video: str
    estimate_bps: int = 0
    way: str = ""  # udp | tcp | turn; "": none yet
    moved: bool = False  # the way is another than at the word before


class LayersWanted(msgspec.Struct, frozen=True):
    """Only these simulcast layers of a source are of use to anybody."""

    room: str
    peer: str
    source: Source
    rids: tuple[str, ...]


MediaEvent = (
    PeerConnected
    | PeerLost
    | PlaneLost
    | TrackAdded
    | SlotAssigned
    | SlotSwitched
    | Speakers
    | Quality
    | LayersWanted
)


class MediaPlane(Protocol):
    """Packets in, packets out. `peer` is a participant id; rights are enforced here once more."""

    async def open_room(self, room: str, max_peers: int) -> None:
        """Make the room known to the media plane; one that is open already stays as it is."""

    async def connect(
        self, room: str, peer: str, owner: str, offer: MediaOffer | DeviceOffer, rights: Rights
    ) -> str:
        """The SDP answer. A first offer connects, a later one grows or restarts. `owner` is the
        person's subject: a viewer is never shown its own owner's media. Raises Refused (bad_sdp,
        media_unavailable, room_full …)."""

    async def restart_ice(self, peer: str, ufrag: str, password: str) -> IceParameters:
        """New ICE credentials for a running connection whose client has these new ones.

        Raises Refused (unknown_peer, media_unavailable …).
        """

    async def set_view(self, peer: str, slots: tuple[SlotView, ...]) -> None: ...
    async def slot_ready(self, peer: str, slot: int, epoch: int) -> None: ...
    async def set_muted(self, peer: str, source: Source, muted: bool) -> None: ...
    async def close_peer(self, peer: str) -> None: ...
    async def close_room(self, room: str) -> None: ...
    async def peers(self) -> dict[str, str]:
        """peer → room of every connected peer that the plane still carries; asked at start."""

    def events(self) -> AsyncIterator[MediaEvent]:
        """Every event once, in order, for the one caller."""

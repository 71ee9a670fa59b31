"""The wire messages of call control, both directions (PROTOCOL.md is their prose).

JSON text frames over one WebSocket, tagged by `type`. Unknown fields, wrong types and values out of
range are refused; the sizes here are the limits.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from signaling.core.rights import Rights

VERSION = 1
SUBPROTOCOL = "telemed.v1"
MAX_FRAME_BYTES = 131_072  # a Chromium offer with 30 m-lines has 85 kB (recorded)

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+\Z")]
Mid = Annotated[str, Meta(min_length=1, max_length=16, pattern=r"^[A-Za-z0-9_.:-]+\Z")]
Key = Annotated[str, Meta(min_length=16, max_length=64, pattern=r"^[A-Za-z0-9_-]+\Z")]
Token = Annotated[str, Meta(min_length=16, max_length=4096)]
Sdp = Annotated[str, Meta(min_length=1, max_length=120_000)]
ChatText = Annotated[str, Meta(min_length=1, max_length=4000)]
Number = Annotated[int, Meta(ge=0, le=2**31 - 1)]
SlotIndex = Annotated[int, Meta(ge=0, le=31)]
Pixels = Annotated[int, Meta(ge=0, le=16_384)]
Source = Literal["microphone", "camera", "screen"]
Activity = Literal["active", "background", "interrupted"]
FindingKind = Literal[
    "microphone_silent", "camera_black", "speaker_blocked", "not_heard_by", "not_seen_by"
]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """A message in either direction."""


# client → server


class Hello(Message, frozen=True, tag="hello"):
    """First message. A join token, or the seat key of an earlier welcome."""

    version: int
    token: Token | None = None
    seat: Key | None = None
    seen_chat: Id | None = None  # newest chat id that the client has


class OfferSlot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    video: Mid | None = None
    audio: Mid | None = None
    screen: bool = False


class Offer(Message, frozen=True, tag="offer"):
    """An SDP offer; `id` counts up from 1 in this connection, the answer repeats it."""

    id: Number
    sdp: Sdp
    publish: dict[Source, Mid]
    slots: Annotated[tuple[OfferSlot, ...], Meta(max_length=32)]


class ViewedSlot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slot: SlotIndex
    width: Pixels
    height: Pixels
    priority: Annotated[int, Meta(ge=0, le=10)] = 0


class View(Message, frozen=True, tag="view"):
    """What is shown, in device pixels; 0 × 0 is hidden."""

    slots: Annotated[tuple[ViewedSlot, ...], Meta(max_length=32)]


class SlotReady(Message, frozen=True, tag="slot_ready"):
    """The old picture of the slot is hidden; the new one may come."""

    slot: SlotIndex
    epoch: Number


class Media(Message, frozen=True, tag="media"):
    """What the person means to send now."""

    microphone: bool
    camera: bool
    screen: bool


class Active(Message, frozen=True, tag="activity"):
    """Whether the page can take part: not while a phone shows something else, or rings."""

    state: Activity


class Received(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What came for one slot since the report before; None where the page does not listen or show.

    `concealed`: share of the samples that were made up because theirs had not come.
    """

    slot: SlotIndex
    sound: Number | None = None  # packets
    concealed: Annotated[float, Meta(ge=0, le=1)] = 0.0
    frames: Number | None = None  # decoded
    freeze_ms: Number | None = None  # that the picture stood still
    height: Pixels | None = None  # of the newest picture


class Experience(Message, frozen=True, tag="experience"):
    """Every 1.5 s: what the page gets of the others, and whether its own devices give anything."""

    microphone: Literal["ok", "silent", "off"]
    camera: Literal["ok", "black", "off"]
    sound_blocked: bool  # the browser plays nothing before a tap
    slots: Annotated[tuple[Received, ...], Meta(max_length=32)]


class RenewIce(Message, frozen=True, tag="renew_ice"):
    """Asks for fresh credentials before a new path is made; answered by ice_servers."""


class Ping(Message, frozen=True, tag="ping"):
    """Heartbeat; answered by pong."""


class Chat(Message, frozen=True, tag="chat"):
    """`key` makes a repeated send harmless; `done` comes after it is on disk."""

    request: Number
    key: Key
    text: ChatText


class Admit(Message, frozen=True, tag="admit"):
    request: Number
    participant: Id


class Deny(Message, frozen=True, tag="deny"):
    request: Number
    participant: Id


class Mute(Message, frozen=True, tag="mute"):
    request: Number
    participant: Id
    source: Source


class Remove(Message, frozen=True, tag="remove"):
    request: Number
    participant: Id


class Lock(Message, frozen=True, tag="lock"):
    request: Number
    locked: bool


class End(Message, frozen=True, tag="end"):
    """Ends the visit for everyone."""

    request: Number


class Leave(Message, frozen=True, tag="leave"):
    """Gives the seat up."""

    request: Number


ClientMessage = (
    Hello
    | Offer
    | View
    | SlotReady
    | Media
    | Active
    | Experience
    | RenewIce
    | Ping
    | Chat
    | Admit
    | Deny
    | Mute
    | Remove
    | Lock
    | End
    | Leave
)

# server → client


class Participant(msgspec.Struct, frozen=True):
    id: str
    name: str
    role: str
    rights: Rights
    connected: bool  # false: seat held, reconnecting
    media: bool  # its media connection is up
    microphone: bool
    camera: bool
    screen: bool
    activity: Activity  # as the person's own page says


class WaitingPerson(msgspec.Struct, frozen=True):
    id: str
    name: str
    role: str
    since: float  # Unix seconds
    connected: bool


class SlotState(msgspec.Struct, frozen=True):
    slot: int
    participant: str | None
    epoch: int
    screen: bool
    live: bool  # slot_switched has come for this epoch
    codec_missing: str = ""


class IceServer(msgspec.Struct, frozen=True):
    """As RTCIceServer of the WebRTC API."""

    urls: tuple[str, ...]
    username: str
    credential: str  # good for five minutes


class Welcome(Message, frozen=True, tag="welcome"):
    """Answer to hello. `seat` is secret: it resumes this seat for `seat_s` seconds after a loss."""

    version: int
    participant: str
    seat: str
    state: Literal["waiting", "admitted"]
    resumed: bool
    media: bool  # the media connection of before is still up: no new offer is needed
    rights: Rights
    heartbeat_s: int
    seat_s: int
    ice_servers: tuple[IceServer, ...] = ()  # none while waiting


class Admitted(Message, frozen=True, tag="admitted"):
    """The wait is over; `room` follows."""

    ice_servers: tuple[IceServer, ...] = ()


class IceServers(Message, frozen=True, tag="ice_servers"):
    """Answer to renew_ice."""

    ice_servers: tuple[IceServer, ...]


class Room(Message, frozen=True, tag="room"):
    """The whole state of the room, sent anew after each change. `waiting` only to moderators."""

    revision: int
    locked: bool
    participants: tuple[Participant, ...]
    waiting: tuple[WaitingPerson, ...]
    slots: tuple[SlotState, ...]


class Answer(Message, frozen=True, tag="answer"):
    id: int
    sdp: str


class SlotSwitched(Message, frozen=True, tag="slot_switched"):
    """From this RTP timestamp on the slot shows the participant of this epoch."""

    slot: int
    epoch: int
    rtp_timestamp: int


class Speakers(Message, frozen=True, tag="speakers"):
    participants: tuple[str, ...]


class QualityOf(msgspec.Struct, frozen=True):
    participant: str
    uplink: Literal["good", "fair", "poor", "lost"]
    downlink: Literal["good", "fair", "poor", "lost"]
    video: Literal["full", "reduced", "off"]


class Quality(Message, frozen=True, tag="quality"):
    participants: tuple[QualityOf, ...]


class Finding(msgspec.Struct, frozen=True):
    """Something is wrong with this person's media; `by` is who does not get them."""

    kind: FindingKind
    participant: str
    by: str | None = None


class Findings(Message, frozen=True, tag="findings"):
    """Everything that is wrong now; sent when that changes."""

    findings: tuple[Finding, ...]


class ChatMessage(Message, frozen=True, tag="chat_message"):
    """A stored chat message; those since `seen_chat` come after welcome."""

    id: str
    participant: str
    name: str
    text: str
    at: float


class Muted(Message, frozen=True, tag="muted"):
    """A moderator muted this source; the server forwards it no more until the person unmutes."""

    source: Source


class Layers(Message, frozen=True, tag="layers"):
    """Of this source encode only the simulcast layers of these rids; before this message all."""

    source: Source
    rids: tuple[str, ...]


class MediaLost(Message, frozen=True, tag="media_lost"):
    """The media connection is gone on the server's side: make a new one and offer."""


class Done(Message, frozen=True, tag="done"):
    request: int


class Error(Message, frozen=True, tag="error"):
    """A refusal in words. `request` or `offer` names what was refused."""

    code: str
    message: str
    request: int | None = None
    offer: int | None = None


class Pong(Message, frozen=True, tag="pong"):
    pass


ServerMessage = (
    Welcome
    | Admitted
    | IceServers
    | Room
    | Answer
    | SlotSwitched
    | Speakers
    | Quality
    | Findings
    | ChatMessage
    | Muted
    | Layers
    | MediaLost
    | Done
    | Error
    | Pong
)

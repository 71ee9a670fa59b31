"""What a room wants done, in order. The shell does one after the other and decides nothing.

A record is saved before the messages that follow it are sent: what a client has seen acknowledged
is on disk. Commands to the media plane are done in order per participant, beside the rest.
"""

from __future__ import annotations

import msgspec

from signaling.core.closing import Closing
from signaling.core.messages import ServerMessage
from signaling.core.records import RoomRecord, SeatRecord
from signaling.core.rights import Rights
from signaling.ports import (
    DeviceOffer,
    MediaOffer,
    QualityEvent,
    QualityPoint,
    SlotView,
    Source,
)


class Send(msgspec.Struct, frozen=True):
    connection: str
    message: ServerMessage


class Close(msgspec.Struct, frozen=True):
    connection: str
    closing: Closing


class SaveRoom(msgspec.Struct, frozen=True):
    record: RoomRecord


class SaveSeat(msgspec.Struct, frozen=True):
    record: SeatRecord


class AppendChat(msgspec.Struct, frozen=True):
    """Store a message, then tell the room by `receive_chat_stored` or `receive_chat_failed`."""

    participant: str
    connection: str
    request: int
    name: str
    key: str
    text: str
    at: float


class SendHistory(msgspec.Struct, frozen=True):
    """Send the stored chat that is newer than `since` and not older than `not_before`."""

    connection: str
    since: str | None
    not_before: float


class ConnectMedia(msgspec.Struct, frozen=True):
    """Answer an offer, then tell the room by `receive_answer` or `receive_offer_failed`."""

    participant: str
    connection: str
    offer_id: int
    owner: str  # the person's subject
    offer: MediaOffer | DeviceOffer
    rights: Rights


class SetView(msgspec.Struct, frozen=True):
    participant: str
    slots: tuple[SlotView, ...]


class MarkSlotReady(msgspec.Struct, frozen=True):
    participant: str
    slot: int
    epoch: int


class SetMuted(msgspec.Struct, frozen=True):
    participant: str
    source: Source
    muted: bool


class ClosePeer(msgspec.Struct, frozen=True):
    participant: str


class CloseMediaRoom(msgspec.Struct, frozen=True):
    """The media plane forgets the room and everybody in it."""


class NoteJoined(msgspec.Struct, frozen=True):
    subject: str
    participant: str
    at: float


class NoteAdmitted(msgspec.Struct, frozen=True):
    subject: str
    participant: str
    at: float


class NoteLeft(msgspec.Struct, frozen=True):
    """`at` is when the person was last there, `why` the seat's event (left, expired, removed …)."""

    subject: str
    participant: str
    at: float
    why: str


class NoteMedia(msgspec.Struct, frozen=True):
    """Media of this source really came, for the first time from this seat or after a break."""

    subject: str
    participant: str
    source: Source
    at: float


class NoteEnded(msgspec.Struct, frozen=True):
    """A moderator ended the visit for everybody."""

    subject: str
    at: float


class NoteQuality(msgspec.Struct, frozen=True):
    """How the call was for this person, or what befell them."""

    subject: str
    said: QualityPoint | QualityEvent


PlaneCommand = ConnectMedia | SetView | MarkSlotReady | SetMuted | ClosePeer
GateNotice = NoteJoined | NoteAdmitted | NoteLeft | NoteMedia | NoteEnded
Output = (
    Send
    | Close
    | SaveRoom
    | SaveSeat
    | AppendChat
    | SendHistory
    | PlaneCommand
    | CloseMediaRoom
    | GateNotice
    | NoteQuality
)

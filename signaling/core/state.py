"""The data of one room and the few moves that every rule is made of.

Rules (`entering`, `presence`, `moderation`, `media`, `talk`) change seats and emit outputs here;
`publish` ends each input: it sends the whole state once to whoever may see it, if it changed.
Only live seats are kept; of those put out only their subjects, for good.
"""

from __future__ import annotations

import msgspec

from signaling.core import messages as m
from signaling.core import refusals, room_phases, snapshot, troubles
from signaling.core.closing import Closing
from signaling.core.outputs import Close as CloseConnection
from signaling.core.outputs import (
    CloseMediaRoom,
    ClosePeer,
    NoteLeft,
    NoteQuality,
    Output,
    SaveRoom,
    SaveSeat,
    Send,
)
from signaling.core.records import RoomRecord
from signaling.core.room_phases import RoomEvent, RoomPhase
from signaling.core.seat import Seat
from signaling.core.seat_states import BARRED, SeatEvent, SeatState
from signaling.core.settings import RoomSettings
from signaling.ports import DeviceOffer, Entry, QualityEvent, QualityPoint

_BARRED_CLOSINGS = {SeatState.REMOVED: Closing.REMOVED, SeatState.DENIED: Closing.DENIED}


class NewSeat(msgspec.Struct, frozen=True):
    """Random values for a seat that may come into being."""

    participant: str
    key: str


class PendingDevice(msgspec.Struct, frozen=True):
    """A device whose offer is with the media plane."""

    entry: Entry
    fresh: NewSeat
    offer: DeviceOffer


class RoomState:
    """What the rules work on. Nothing here decides who may do what."""

    def __init__(self, record: RoomRecord, settings: RoomSettings) -> None:
        self.record = record
        self.settings = settings
        self.revision = 0
        self.seats: dict[str, Seat] = {}
        self.pending: dict[str, PendingDevice] = {}  # by the connection that waits for the answer
        self.barred: dict[str, Closing] = {}  # subject → why they stay out
        self.first_admitted: dict[str, float] = {}  # subject → Unix seconds
        self.troubles: dict[m.Finding, troubles.Trouble] = {}  # that last
        self.outputs: list[Output] = []
        self._changed = False
        self._changed_for: set[str] = set()
        self._by_connection: dict[str, Seat] = {}

    # who is here

    @property
    def locked(self) -> bool:
        return self.record.phase is RoomPhase.LOCKED

    @property
    def ended(self) -> bool:
        return self.record.phase is RoomPhase.ENDED

    @property
    def is_vacant(self) -> bool:
        """Whether nobody has a seat or is about to get one."""
        return not self.seats and not self.pending

    def admitted(self) -> list[Seat]:
        return [seat for seat in self.seats.values() if seat.is_admitted]

    def waiting(self) -> list[Seat]:
        return [seat for seat in self.seats.values() if seat.is_waiting]

    def seat_at(self, connection: str) -> Seat | None:
        return self._by_connection.get(connection)

    def seats_of(self, subject: str) -> list[Seat]:
        return [seat for seat in self.seats.values() if seat.record.subject == subject]

    # moves

    def emit(self, output: Output) -> None:
        self.outputs.append(output)

    def send(self, seat: Seat, message: m.ServerMessage) -> None:
        """Send to a person who is connected; others read the snapshot when they come back."""
        if seat.connection is not None:
            self.emit(Send(seat.connection, message))

    def refuse(self, seat: Seat, code: str, cause: m.Message) -> None:
        """Answer a message that is not carried out."""
        request = getattr(cause, "request", None)
        offer = cause.id if isinstance(cause, m.Offer) else None
        text = refusals.ROOM[code]
        self.send(seat, m.Error(code=code, message=text, request=request, offer=offer))

    def save(self, seat: Seat) -> None:
        self.emit(SaveSeat(seat.record))

    def step(self, event: RoomEvent) -> None:
        """Change the phase by the table. Raises IllegalPhase and changes nothing."""
        phase = room_phases.after(self.record.phase, event)
        self.record = RoomRecord(self.record.room, self.record.opened_at, phase)
        self.emit(SaveRoom(self.record))

    def attach(self, seat: Seat, connection: str) -> None:
        self._by_connection[connection] = seat

    def detach(self, seat: Seat, now: float) -> None:
        """The seat has no connection any more; it is held."""
        if seat.connection is not None:
            del self._by_connection[seat.connection]
            self._note_end(seat, now)
        seat.detach(now)

    def note_quality(self, subject: str, said: QualityPoint | QualityEvent | None) -> None:
        """Tell the clinic how the call is for somebody, or what befell them."""
        if said is not None:
            self.emit(NoteQuality(subject, said))

    def _note_end(self, seat: Seat, now: float) -> None:
        """Nothing more is known of the person's call: what is open is as long as it is by now."""
        self.note_quality(seat.record.subject, seat.gauge.take())
        for finding in [one for one in self.troubles if seat.id in (one.participant, one.by)]:
            trouble = self.troubles.pop(finding)
            self.note_quality(trouble.subject, troubles.ended(finding, trouble, now))

    def hang_up(self, seat: Seat, closing: Closing, now: float) -> None:
        """Close the person's connection from our side; the seat is held."""
        if seat.connection is not None:
            self.emit(CloseConnection(seat.connection, closing))
        self.detach(seat, now)

    def vacate(
        self,
        seat: Seat,
        event: SeatEvent,
        closing: Closing,
        now: float,
        last_word: m.ServerMessage | None = None,
    ) -> None:
        """End a seat for good: on disk first, then its media, then its connection."""
        was_admitted = seat.is_admitted
        is_there = seat.connection is not None or (seat.is_device and seat.media_up)
        last_there = now if is_there else seat.away_since
        seat.step(event)
        self.save(seat)
        if was_admitted:
            self.emit(ClosePeer(seat.id))
        if seat.record.state in BARRED:
            self.bar(seat.record.subject, seat.record.state)
        if last_word is not None:
            self.send(seat, last_word)
        self.hang_up(seat, closing, now)
        del self.seats[seat.id]
        self.emit(NoteLeft(seat.record.subject, seat.id, last_there, event.value))
        if self.is_vacant:
            self.emit(CloseMediaRoom())
        self.changed()

    def bar(self, subject: str, state: SeatState) -> None:
        """This subject stays out of this room for its lifetime."""
        self.barred[subject] = _BARRED_CLOSINGS[state]

    # the snapshot

    def changed(self) -> None:
        self._changed = True

    def changed_for(self, seat: Seat) -> None:
        self._changed_for.add(seat.id)

    def publish(self) -> None:
        """Send the room to everyone who may see it, or to those whose view alone changed."""
        if not self._changed and not self._changed_for:
            return
        self.revision += 1
        for seat in self.admitted():
            if self._changed or seat.id in self._changed_for:
                self.send(seat, snapshot.room_for(seat, self.record, self.revision, self.seats))
        self._changed = False
        self._changed_for.clear()

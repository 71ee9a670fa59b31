"""One call: inputs in, outputs out, in virtual time.

The shell feeds one input, does everything that `drain` returns, in order, then feeds the next. An
input of a connection that has been replaced or closed is ignored. `RULES` says for each message
which right it needs; a waiting person may only ping and leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from signaling.core import (
    devices,
    entering,
    media,
    moderation,
    orders,
    presence,
    refusals,
    relays,
    talk,
    truth,
)
from signaling.core import messages as m
from signaling.core.closing import Closing
from signaling.core.outputs import AppendChat, NoteAdmitted, NoteJoined, Output
from signaling.core.records import RoomRecord, SeatRecord
from signaling.core.seat import Seat
from signaling.core.seat_states import BARRED
from signaling.core.settings import RoomSettings
from signaling.core.state import NewSeat, RoomState
from signaling.ports import ChatEntry, DeviceOffer, Entry, MediaEvent

Right = Literal["publish", "subscribe", "moderate", "chat"]


class Rule(msgspec.Struct, frozen=True):
    """What a message does, which right it needs, whether one may do it while waiting."""

    act: Callable[[RoomState, Seat, Any, float], None]
    right: Right | None = None  # None: free, or depends on the message's content
    while_waiting: bool = False


def _nothing(state: RoomState, seat: Seat, message: m.Message, now: float) -> None:
    del message, now
    state.send(seat, m.Pong())


RULES: dict[type[m.Message], Rule] = {
    m.Ping: Rule(_nothing, while_waiting=True),
    m.Leave: Rule(presence.leave, while_waiting=True),
    m.RenewIce: Rule(relays.renew),
    m.Offer: Rule(media.offer),
    m.Media: Rule(media.declare),
    m.Active: Rule(presence.be_active, "publish"),
    m.Experience: Rule(truth.receive),
    m.View: Rule(media.view, "subscribe"),
    m.SlotReady: Rule(media.slot_ready, "subscribe"),
    m.Chat: Rule(talk.chat, "chat"),
    m.Admit: Rule(moderation.admit, "moderate"),
    m.Deny: Rule(moderation.deny, "moderate"),
    m.Mute: Rule(moderation.mute, "moderate"),
    m.Remove: Rule(moderation.remove, "moderate"),
    m.Lock: Rule(moderation.lock, "moderate"),
    m.End: Rule(moderation.end, "moderate"),
}


class Room:
    """The state machine of one room; holds no connection, no clock and no disk."""

    def __init__(self, record: RoomRecord, settings: RoomSettings) -> None:
        self._state = RoomState(record, settings)

    @property
    def is_vacant(self) -> bool:
        """Whether nobody has a seat, so that the room may be forgotten until the next hello."""
        return self._state.is_vacant

    def count(self) -> tuple[int, int]:
        """(admitted, waiting) seats."""
        return len(self._state.admitted()), len(self._state.waiting())

    def participants(self) -> frozenset[str]:
        """Everybody who has a seat."""
        return frozenset(self._state.seats)

    def comings(self) -> tuple[NoteJoined | NoteAdmitted, ...]:
        """What the clinic has to know of those who have a seat, if no word of before came to it."""
        notes: list[NoteJoined | NoteAdmitted] = []
        for seat in self._state.seats.values():
            record = seat.record
            notes.append(NoteJoined(record.subject, seat.id, record.joined_at))
            if record.admitted_at is not None:
                notes.append(NoteAdmitted(record.subject, seat.id, record.admitted_at))
        return tuple(notes)

    def has_admitted(self, participant: str) -> bool:
        """Whether this participant has an admitted seat here."""
        seat = self._state.seats.get(participant)
        return seat is not None and seat.is_admitted

    def restore(self, seats: Iterable[SeatRecord], connected: frozenset[str], now: float) -> None:
        """Take over what an earlier process wrote; `connected` participants still have media.

        Everybody is away and gets the full time to come back, from now.
        """
        for record in seats:
            if record.admitted_at is not None:
                first = self._state.first_admitted.get(record.subject, record.admitted_at)
                self._state.first_admitted[record.subject] = min(first, record.admitted_at)
            seat = Seat(record=record, away_since=now)
            if record.state in BARRED:
                self._state.bar(record.subject, record.state)
            elif seat.is_live and not self._state.ended:
                seat.media_up = seat.is_admitted and seat.id in connected
                self._state.seats[seat.id] = seat

    def receive_hello(
        self, connection: str, entry: Entry, fresh: NewSeat, seen: str | None, now: float
    ) -> None:
        """Somebody came with a token that the gatekeeper accepted."""
        entering.enter(self._state, connection, entry, fresh, seen, now)
        self._state.publish()

    def receive_resume(
        self, connection: str, found: SeatRecord, key: str, seen: str | None, now: float
    ) -> None:
        """Somebody came with the key of a seat in this room."""
        entering.resume(self._state, connection, found, key, seen, now)
        self._state.publish()

    def receive_message(self, connection: str, message: m.ClientMessage, now: float) -> None:
        """A message after hello."""
        seat = self._state.seat_at(connection)
        if seat is None or seat.limits is None:
            return
        seat.heard_at = now
        if not seat.limits.allows(message, now):
            self._strike(seat, "rate_limit", message, now)
        elif isinstance(message, m.Hello):
            self._state.hang_up(seat, Closing.BAD_MESSAGE, now)
            self._state.changed()
        else:
            self._apply(seat, message, now)
        self._state.publish()

    def receive_malformed(self, connection: str, error: m.Error, now: float) -> None:
        """A frame that was JSON but no message; `error` says what is wrong with it."""
        seat = self._state.seat_at(connection)
        if seat is None or seat.limits is None:
            return
        seat.heard_at = now
        self._state.send(seat, error)
        self._count_strike(seat, now)
        self._state.publish()

    def receive_alive(self, connection: str, now: float) -> None:
        """A sign of life below the messages (a WebSocket pong)."""
        seat = self._state.seat_at(connection)
        if seat is not None:
            seat.heard_at = now

    def receive_disconnect(self, connection: str, now: float) -> None:
        """The connection is gone, for whatever reason."""
        presence.lost(self._state, connection, now)
        self._state.publish()

    def receive_device(self, ticket: str, entry: Entry, fresh: NewSeat, offer: DeviceOffer) -> None:
        """A device offers media. The answer, or why there is none, is sent to `ticket`."""
        devices.offer(self._state, ticket, entry, fresh, offer)

    def receive_device_end(self, participant: str, now: float) -> None:
        """A device has finished."""
        devices.end(self._state, participant, now)
        self._state.publish()

    def receive_ice_restart(self, participant: str, tag: str) -> None:
        """A device's connection got new ICE credentials; `tag` is the client's new entity tag."""
        devices.restarted(self._state, participant, tag)

    def receive_answer(
        self, participant: str, connection: str, offer_id: int, sdp: str, now: float
    ) -> None:
        """The media plane accepted an offer."""
        media.answered(self._state, participant, connection, m.Answer(offer_id, sdp), now)
        self._state.publish()

    def receive_offer_failed(
        self, participant: str, connection: str, offer_id: int, code: str, text: str, now: float
    ) -> None:
        """The media plane refused an offer, in words for the person."""
        error = m.Error(code, text, offer=offer_id)
        media.answered(self._state, participant, connection, error, now)

    def receive_media_event(self, event: MediaEvent, now: float) -> None:
        """Something happened in the media plane."""
        media.receive(self._state, event, now)
        self._state.publish()

    def receive_chat_stored(self, command: AppendChat, entry: ChatEntry) -> None:
        """A chat message is on disk."""
        talk.stored(self._state, command, entry)

    def receive_chat_failed(self, command: AppendChat) -> None:
        """A chat message could not be stored."""
        talk.failed(self._state, command)

    def receive_end(self, now: float) -> None:
        """The visit was ended outside the call."""
        orders.end(self._state, now)

    def receive_withdrawal(self, subject: str, now: float) -> None:
        """This person may not be here any more."""
        orders.withdraw(self._state, subject, now)
        self._state.publish()

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        presence.check(self._state, now)
        self._state.publish()

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due (Unix seconds), None while nobody is here."""
        return presence.next_deadline(self._state)

    def drain(self) -> list[Output]:
        """What is to be done now, in order; the list is handed over."""
        outputs, self._state.outputs = self._state.outputs, []
        return outputs

    def _apply(self, seat: Seat, message: m.ClientMessage, now: float) -> None:
        rule = RULES[type(message)]
        if seat.is_waiting and not rule.while_waiting:
            self._state.refuse(seat, "not_admitted", message)
        elif rule.right is not None and not getattr(seat.rights, rule.right):
            self._state.refuse(seat, "not_allowed", message)
        else:
            rule.act(self._state, seat, message, now)

    def _strike(self, seat: Seat, code: str, message: m.Message, now: float) -> None:
        assert code in refusals.ROOM
        self._state.refuse(seat, code, message)
        self._count_strike(seat, now)

    def _count_strike(self, seat: Seat, now: float) -> None:
        if seat.limits is not None and not seat.limits.forgives(now):
            self._state.hang_up(seat, Closing.RATE_LIMIT, now)
            self._state.changed()

"""Chat: stored first, then acknowledged to the writer, then shown to everyone who may read."""

from __future__ import annotations

from signaling.core import messages as m
from signaling.core import refusals
from signaling.core.entering import may_read_chat
from signaling.core.outputs import AppendChat, Send
from signaling.core.seat import Seat
from signaling.core.state import RoomState
from signaling.ports import ChatEntry


def chat(state: RoomState, seat: Seat, message: m.Chat, now: float) -> None:
    if seat.connection is None:
        return
    state.emit(
        AppendChat(
            participant=seat.id,
            connection=seat.connection,
            request=message.request,
            name=seat.record.name,
            key=message.key,
            text=message.text,
            at=now,
        )
    )


def stored(state: RoomState, command: AppendChat, entry: ChatEntry) -> None:
    """The message is on disk: tell the writer, then everyone."""
    if state.seat_at(command.connection) is not None:
        state.emit(Send(command.connection, m.Done(command.request)))
    message = m.ChatMessage(entry.id, entry.participant, entry.name, entry.text, entry.at)
    for seat in state.admitted():
        if may_read_chat(seat):
            state.send(seat, message)


def failed(state: RoomState, command: AppendChat) -> None:
    """The message is not on disk: only the writer hears of it."""
    if state.seat_at(command.connection) is None:
        return
    text = refusals.ROOM["chat_failed"]
    error = m.Error("chat_failed", text, request=command.request)
    state.emit(Send(command.connection, error))

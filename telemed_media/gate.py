"""Joins call control to the clinic: `Gatekeeper` and `VisitLog` of `signaling.ports` over visits.

The clinic's codes for tokens are those of PROTOCOL.md; what is not a refusal passes as it is, for
call control to log. Each word is one transaction: it is on disk, with its audit, when it returns.
What the database cannot take now is told to call control as Unavailable, which tells it again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from clinic_api import errors
from clinic_api.actor import Actor, system
from clinic_api.db import Database
from clinic_api.transaction import Transaction
from clinic_api.visits import call_log, call_quality, chat, gate
from clinic_api.visits.call_store import ChatMessage
from clinic_api.visits.quality import Event, Point
from signaling.core.rights import Rights
from signaling.ports import (
    ChatEntry,
    Entry,
    QualityEvent,
    QualityNote,
    QualityPoint,
    Refused,
    Source,
    Unavailable,
)

GATE: Actor = system("gate")
PASSING = frozenset({"unavailable", "audit_unavailable"})  # over soon, and no fault of the word

C = TypeVar("C")


class ClinicGate:
    """Lets people in by call tokens and tells their visits when they came and went."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def enter(self, token: str) -> Entry:
        """Consume a call token. Raises Refused (codes in `signaling.core.refusals.GATE`)."""
        command = gate.CallToken(token)
        try:
            entry = await self._database.write(lambda tx: gate.enter_call(tx, GATE, command))
        except errors.Refused as refused:
            raise _translated(refused) from None
        return _entry(entry)

    async def identify(self, token: str) -> Entry:
        """What a token of ours stands for. Raises Refused (token_invalid)."""
        command = gate.CallToken(token)
        try:
            entry = await self._database.read(lambda tx: gate.identify_call(tx, GATE, command))
        except errors.Refused as refused:
            raise _translated(refused) from None
        return _entry(entry)

    async def joined(self, room: str, subject: str, participant: str, at: float) -> None:
        peer = call_log.Peer(room=room, subject=subject, peer=participant, at=at)
        await _tell(self._database, call_log.gate_joined, peer)

    async def admitted(self, room: str, subject: str, participant: str, at: float) -> None:
        peer = call_log.Peer(room=room, subject=subject, peer=participant, at=at)
        await _tell(self._database, call_log.gate_admitted, peer)

    async def left(self, room: str, subject: str, participant: str, at: float, why: str) -> None:
        peer = call_log.PeerLeft(room=room, subject=subject, peer=participant, at=at, why=why)
        await _tell(self._database, call_log.gate_left, peer)

    async def media_came(
        self, room: str, subject: str, participant: str, source: Source, at: float
    ) -> None:
        came = call_log.MediaCame(
            room=room, subject=subject, peer=participant, at=at, source=source
        )
        await _tell(self._database, call_log.gate_media_came, came)

    async def ended(self, room: str, subject: str, at: float) -> None:
        over = call_log.RoomEnded(room=room, subject=subject, at=at)
        await _tell(self._database, call_log.gate_ended, over)

    async def settled(self, participants: frozenset[str]) -> None:
        await _tell(self._database, call_log.gate_settled, call_log.StillThere(participants))


class ClinicVisitLog:
    """Keeps the chat of visits, sealed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append_chat(
        self, room: str, participant: str, name: str, key: str, text: str, at: float
    ) -> ChatEntry:
        """On disk when it returns; (participant, key) again gives the first message."""
        written = chat.ChatWritten(
            room=room, participant=participant, name=name, key=key, text=text, at=at
        )
        return _chat(await self._database.write(lambda tx: chat.append_chat(tx, GATE, written)))

    async def history(self, room: str, since: str | None) -> list[ChatEntry]:
        asked = chat.ChatSince(room, since)
        messages = await self._database.read(lambda tx: chat.chat_history(tx, GATE, asked))
        return [_chat(message) for message in messages]

    async def note_quality(self, batch: str, notes: tuple[QualityNote, ...]) -> None:
        """Raises Unavailable where it is to be told again."""
        words = tuple(
            call_quality.QualityWord(note.room, note.subject, _said(note.said)) for note in notes
        )
        told = call_quality.QualityBatch(batch, words)
        await _tell(self._database, call_quality.note_quality, told)


async def _tell(
    database: Database, service: Callable[[Transaction, Actor, C], object], happened: C
) -> None:
    """Raises Unavailable where it is to be told again."""
    try:
        await database.write(lambda tx: service(tx, GATE, happened))
    except errors.Refused as refused:
        if refused.code in PASSING:
            raise Unavailable from refused
        raise


def _said(said: QualityPoint | QualityEvent) -> Point | Event:
    """What call control tells has the same fields in the clinic."""
    fields = msgspec.structs.asdict(said)
    return Point(**fields) if isinstance(said, QualityPoint) else Event(**fields)


def _entry(entry: gate.CallEntry) -> Entry:
    return Entry(
        room=entry.room,
        subject=entry.subject,
        name=entry.name,
        role=entry.role,
        rights=Rights(**dict.fromkeys(entry.rights, True), only_sound=entry.only_sound),
        waits=entry.waits,
        alone=entry.alone,
    )


def _chat(message: ChatMessage) -> ChatEntry:
    return ChatEntry(
        id=message.id,
        participant=message.participant,
        name=message.name,
        text=message.text,
        at=message.at.timestamp(),
    )


def _translated(refused: errors.Refused) -> Refused:
    return Refused(refused.code, refused.message)

"""Joins call control to the clinic: `Gatekeeper` and `VisitLog` of `signaling.ports` over visits.

The clinic's codes for tokens are those of PROTOCOL.md; what is not a refusal passes as it is, for
call control to log. Each word is one transaction: it is on disk, with its audit, when it returns.
"""

from __future__ import annotations

from clinic_api import errors
from clinic_api.actor import Actor, system
from clinic_api.db import Database
from clinic_api.visits import gate
from clinic_api.visits.call_store import ChatMessage
from signaling.core.rights import Rights
from signaling.ports import ChatEntry, Entry, Refused, Source

GATE: Actor = system("gate")


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
        peer = gate.Peer(room=room, subject=subject, peer=participant, at=at)
        await self._database.write(lambda tx: gate.gate_joined(tx, GATE, peer))

    async def admitted(self, room: str, subject: str, participant: str, at: float) -> None:
        peer = gate.Peer(room=room, subject=subject, peer=participant, at=at)
        await self._database.write(lambda tx: gate.gate_admitted(tx, GATE, peer))

    async def left(self, room: str, subject: str, participant: str, at: float, why: str) -> None:
        peer = gate.PeerLeft(room=room, subject=subject, peer=participant, at=at, why=why)
        await self._database.write(lambda tx: gate.gate_left(tx, GATE, peer))

    async def media_came(
        self, room: str, subject: str, participant: str, source: Source, at: float
    ) -> None:
        came = gate.MediaCame(room=room, subject=subject, peer=participant, at=at, source=source)
        await self._database.write(lambda tx: gate.gate_media_came(tx, GATE, came))

    async def ended(self, room: str, subject: str, at: float) -> None:
        over = gate.RoomEnded(room=room, subject=subject, at=at)
        await self._database.write(lambda tx: gate.gate_ended(tx, GATE, over))

    async def settled(self, participants: frozenset[str]) -> None:
        still = gate.StillThere(participants)
        await self._database.write(lambda tx: gate.gate_settled(tx, GATE, still))


class ClinicVisitLog:
    """Keeps the chat of visits, sealed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append_chat(
        self, room: str, participant: str, name: str, key: str, text: str, at: float
    ) -> ChatEntry:
        """On disk when it returns; (participant, key) again gives the first message."""
        written = gate.ChatWritten(
            room=room, participant=participant, name=name, key=key, text=text, at=at
        )
        return _chat(await self._database.write(lambda tx: gate.append_chat(tx, GATE, written)))

    async def history(self, room: str, since: str | None) -> list[ChatEntry]:
        asked = gate.ChatSince(room, since)
        messages = await self._database.read(lambda tx: gate.chat_history(tx, GATE, asked))
        return [_chat(message) for message in messages]


def _entry(entry: gate.CallEntry) -> Entry:
    return Entry(
        room=entry.room,
        subject=entry.subject,
        name=entry.name,
        role=entry.role,
        rights=Rights(**dict.fromkeys(entry.rights, True)),
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

"""What has to survive the process: a room and its seats as they are written to disk.

The seat key itself is never kept, only its hash: who reads the disk cannot take a seat.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

import msgspec

from signaling.core.messages import Source
from signaling.core.rights import Rights
from signaling.core.room_phases import RoomPhase
from signaling.core.seat_states import SeatState
from signaling.ports import Way

Device = Way | Literal[""]  # "": a person with a signalling connection


class RoomRecord(msgspec.Struct, frozen=True):
    room: str
    opened_at: float  # Unix seconds
    phase: RoomPhase = RoomPhase.OPEN


class SeatRecord(msgspec.Struct, frozen=True):
    participant: str
    room: str
    subject: str
    key_hash: bytes  # SHA-256 of the seat key
    name: str
    role: str
    rights: Rights
    state: SeatState
    joined_at: float  # Unix seconds
    admitted_at: float | None = None
    declared: tuple[Source, ...] = ()  # what the person means to send
    muted: tuple[Source, ...] = ()  # what a moderator muted
    device: Device = ""
    ice_tag: str = ""  # entity tag of a device's ICE session


def hash_of(secret: str) -> bytes:
    """SHA-256 of a random secret (at least 128 bits, so no salt is needed)."""
    return hashlib.sha256(secret.encode()).digest()


def is_key_of(seat: SeatRecord, key: str) -> bool:
    """Whether `key` opens this seat, in constant time."""
    return hmac.compare_digest(seat.key_hash, hash_of(key))

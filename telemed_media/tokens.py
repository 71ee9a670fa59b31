"""Call tokens from the command line, for tests, devices and other programs' integrations.

The instance may be running: both processes share the clinic's database. Each token is for a seat of
its own in the room's visit, which is made where there is none (of the kind "console").
"""

from __future__ import annotations

import sqlite3
from typing import get_args

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from clinic_api.actor import Actor, system
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.key_files import KeyringError
from clinic_api.migrations import MigrationError
from clinic_api.transaction import Transaction
from clinic_api.visits import console, gate
from clinic_api.visits.model import Right, Role
from clinic_api.visits.seats import Seat
from signaling.core.messages import Id
from telemed_media.clinic import open_clinic
from telemed_media.data_folder import DataFolder

CONSOLE: Actor = system("console")
MAX_NAME_CHARS = 80
_UNUSABLE = (MigrationError, KeyringError, OSError, sqlite3.Error, SQLAlchemyError)


class TokenError(Exception):
    """No such token can be made; the message is for the person who asked."""


class TokenRequest(msgspec.Struct, frozen=True):
    """What the command line says."""

    room: str
    name: str
    can: str  # names of rights, separated by commas
    ttl_s: float
    device: bool
    admitted: bool


async def make_token(folder: DataFolder, database_url: str, request: TokenRequest) -> str:
    """A call token. Raises TokenError."""
    seat = seat_of(request)
    try:
        async with await open_clinic(folder, database_url) as database:
            return await issue(database, seat, request)
    except _UNUSABLE as error:
        raise _unusable(error) from error


async def issue(database: Database, seat: console.ConsoleSeat, request: TokenRequest) -> str:
    """A token for a new seat in an open database. Raises TokenError."""

    def work(tx: Transaction) -> str:
        made = console.seat_in_room(tx, CONSOLE, seat)
        wanted = console.TokenFor(
            participant_id=made.id, ttl_s=request.ttl_s, reusable=request.device
        )
        return console.call_token_for(tx, CONSOLE, wanted)

    try:
        return await database.write(work)
    except Refused as refused:
        raise TokenError(f"{refused.message} Name another room.") from refused


async def revoke_token(folder: DataFolder, database_url: str, token: str) -> None:
    """Take the token's seat away: it opens nothing, and who sits there has to leave.

    Raises TokenError.
    """
    command = gate.CallToken(token)
    try:
        async with await open_clinic(folder, database_url) as database:
            await database.write(lambda tx: console.revoke_call_token(tx, CONSOLE, command))
    except _UNUSABLE as error:
        raise _unusable(error) from error
    except Refused as refused:
        raise TokenError("Standard input holds no token of this data folder.") from refused


def seat_of(request: TokenRequest) -> console.ConsoleSeat:
    """Who the token lets in, and with which rights. Raises TokenError."""
    rights = _rights(request.can)
    if not 0 < len(request.name.strip()) <= MAX_NAME_CHARS:
        raise TokenError(f"A name has 1 to {MAX_NAME_CHARS} characters.")
    moderates = "moderate" in rights
    seat = Seat(
        role=_role(request, moderates=moderates),
        name=request.name.strip(),
        rights=rights,
        waits=not (moderates or request.admitted),
        binds_device=False,
    )
    return console.ConsoleSeat(room=_room(request.room), seat=seat)


def _role(request: TokenRequest, *, moderates: bool) -> Role:
    if request.device:
        return "device"
    return "provider" if moderates else "patient"


def _rights(text: str) -> tuple[Right, ...]:
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    known: tuple[Right, ...] = get_args(Right)
    unknown = wanted.difference(known)
    if unknown:
        raise TokenError(
            f"{', '.join(sorted(unknown))} is not a right; there are {', '.join(known)}."
        )
    return tuple(right for right in known if right in wanted)


def _room(text: str) -> str:
    try:
        return msgspec.convert(text, Id)
    except msgspec.ValidationError as error:
        raise TokenError("A room is named by 1 to 64 letters, digits and any of _ . : -") from error


def _unusable(error: Exception) -> TokenError:
    """In the error's own words where it has some for a person."""
    if isinstance(error, MigrationError | KeyringError | OSError):
        return TokenError(f"{error}")
    return TokenError(f"The clinic's database cannot be used: {type(error).__name__}.")

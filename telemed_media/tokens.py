"""Join tokens from the command line, for tests, devices and other programs' integrations.

The instance may be running: both processes share the key and the database of the data folder. A
token opens its room if nobody did, because without the clinic there is no other place to open it.
"""

from __future__ import annotations

import secrets
import time

import msgspec

from signaling.core.messages import Id
from signaling.core.rights import Rights
from signaling.ports import Entry, Refused
from signaling.shell.clock import steady_clock
from signaling.shell.keys import KeyUnusable, load_or_create_key
from signaling.shell.store import Store
from signaling.shell.tokens import TokenGate, issue_token
from telemed_media.data_folder import DataFolder

MAX_NAME_CHARS = 80


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


async def make_token(folder: DataFolder, request: TokenRequest) -> str:
    """A signed join token. Raises TokenError."""
    entry = entry_of(request)
    try:
        key = load_or_create_key(folder.keys)
    except (KeyUnusable, OSError) as error:
        raise TokenError(f"{error}.") from error
    now = time.time()
    async with await Store.open(folder.database) as store:
        await store.open_room(entry.room, now)
    return issue_token(key, entry, request.ttl_s, now, device=request.device)


async def revoke_token(folder: DataFolder, token: str) -> None:
    """Let a token open nothing any more; who is inside stays. Raises TokenError."""
    try:
        key = load_or_create_key(folder.keys)
        async with await Store.open(folder.database) as store:
            await TokenGate(store, key, steady_clock()).revoke(token)
    except (KeyUnusable, OSError) as error:
        raise TokenError(f"{error}.") from error
    except Refused as refused:
        raise TokenError("Standard input holds no token of this data folder.") from refused


def entry_of(request: TokenRequest) -> Entry:
    """Who the token lets in, and with which rights. Raises TokenError."""
    rights = _rights(request.can)
    if not 0 < len(request.name.strip()) <= MAX_NAME_CHARS:
        raise TokenError(f"A name has 1 to {MAX_NAME_CHARS} characters.")
    return Entry(
        room=_room(request.room),
        subject=f"token-{secrets.token_hex(8)}",
        name=request.name.strip(),
        role=_role(request, rights),
        rights=rights,
        waits=not (rights.moderate or request.admitted),
    )


def _role(request: TokenRequest, rights: Rights) -> str:
    if request.device:
        return "device"
    return "provider" if rights.moderate else "patient"


def _rights(text: str) -> Rights:
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    unknown = wanted - set(Rights.__struct_fields__)
    if unknown:
        known = ", ".join(Rights.__struct_fields__)
        raise TokenError(f"{', '.join(sorted(unknown))} is not a right; there are {known}.")
    return Rights(**dict.fromkeys(wanted, True))


def _room(text: str) -> str:
    try:
        return msgspec.convert(text, Id)
    except msgspec.ValidationError as error:
        raise TokenError("A room is named by 1 to 64 letters, digits and any of _ . : -") from error

"""Join tokens: short-lived Ed25519 JWTs (RFC 7519, RFC 8037) that open one room for one person.

A token is bound to room, role and rights and works once; what makes it single-use is its id on
disk, so a restart forgets nothing. A device's token may be used again until it expires: a camera
cart has no page to fetch a new one from. Only Ed25519 is accepted, whatever the header says.
"""

from __future__ import annotations

import secrets

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from signaling.core import refusals
from signaling.core.rights import Rights
from signaling.core.room_phases import RoomPhase
from signaling.ports import Entry, Refused, Source
from signaling.shell import log
from signaling.shell.clock import Clock
from signaling.shell.store import Store

ALGORITHM = "Ed25519"  # RFC 9864 name; the older "EdDSA" names no curve and is refused
TYPE = "telemed-join+jwt"  # RFC 8725 3.11: no other JWT of this key is a join token
ISSUER = "telemed-media"
LINK_TOKEN_TTL_S = 60.0  # from the exchange of a link to hello
NOT_BEFORE_LEEWAY_S = 5.0  # clocks of two machines


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payload of a join token."""

    iss: str
    jti: str
    sub: str
    room: str
    role: str
    name: str
    can: tuple[str, ...]
    waits: bool
    iat: float
    nbf: float
    exp: float
    device: bool = False


def issue_token(
    key: OKPKey, entry: Entry, ttl_s: float, now: float, *, device: bool = False
) -> str:
    """Sign a join token that is valid from `now` (Unix seconds) for `ttl_s` seconds."""
    claims = Claims(
        iss=ISSUER,
        jti=secrets.token_urlsafe(16),
        sub=entry.subject,
        room=entry.room,
        role=entry.role,
        name=entry.name,
        can=_names_of(entry.rights),
        waits=entry.waits,
        iat=now,
        nbf=now,
        exp=now + ttl_s,
        device=device,
    )
    header = {"alg": ALGORITHM, "typ": TYPE}
    return jwt.encode(header, msgspec.to_builtins(claims), key, algorithms=[ALGORITHM])


def read_token(key: OKPKey, token: str) -> Claims:
    """Check signature and form, not the time. Raises Refused(token_invalid)."""
    try:
        decoded = jwt.decode(token, key, algorithms=[ALGORITHM])
        if decoded.header.get("typ") != TYPE:
            raise _refused("token_invalid")
        claims = msgspec.convert(decoded.claims, Claims)
    except (JoseError, msgspec.ValidationError, ValueError, TypeError):  # "crit": [[]]
        raise _refused("token_invalid") from None
    if claims.iss != ISSUER:
        raise _refused("token_invalid")
    return claims


class TokenGate:
    """The Gatekeeper of an instance without a clinic: the token says everything."""

    def __init__(self, store: Store, key: OKPKey, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._clock = clock

    async def enter(self, token: str) -> Entry:
        """Consume a join token. Raises Refused (codes in `refusals.GATE`)."""
        claims = read_token(self._key, token)
        now = self._clock()
        if now >= claims.exp:
            raise _refused("token_expired")
        if now < claims.nbf - NOT_BEFORE_LEEWAY_S:
            raise _refused("token_invalid")
        await self._check_room(claims.room)
        await self._consume(claims)
        return _entry(claims)

    async def identify(self, token: str) -> Entry:
        """What a token of ours stands for, whatever became of it. Raises Refused(token_invalid)."""
        return _entry(read_token(self._key, token))

    async def revoke(self, token: str) -> None:
        """Withdraw a token of ours. Raises Refused(token_invalid)."""
        claims = read_token(self._key, token)
        await self._store.revoke_token(claims.jti, claims.exp)

    async def joined(self, room: str, subject: str, participant: str, at: float) -> None:
        del subject, at
        log.note("joined", room=room, participant=participant)

    async def admitted(self, room: str, subject: str, participant: str, at: float) -> None:
        del subject, at
        log.note("admitted", room=room, participant=participant)

    async def left(self, room: str, subject: str, participant: str, at: float, why: str) -> None:
        del subject, at
        log.note("left", room=room, participant=participant, code=why)

    async def media_came(
        self, room: str, subject: str, participant: str, source: Source, at: float
    ) -> None:
        del subject, at
        log.note("media came", room=room, participant=participant, code=source)

    async def ended(self, room: str, subject: str, at: float) -> None:
        del subject, at
        log.note("ended", room=room)

    async def _check_room(self, room: str) -> None:
        record = await self._store.room(room)
        if record is None:
            raise _refused("unknown_room")
        if record.phase is RoomPhase.ENDED:
            raise _refused("visit_ended")

    async def _consume(self, claims: Claims) -> None:
        if await self._store.is_token_revoked(claims.jti):
            raise _refused("token_revoked")
        if claims.device:
            return
        if not await self._store.use_token(claims.jti, claims.exp):
            raise _refused("token_used")


def _names_of(rights: Rights) -> tuple[str, ...]:
    return tuple(name for name in Rights.__struct_fields__ if getattr(rights, name))


def _entry(claims: Claims) -> Entry:
    unknown = set(claims.can) - set(Rights.__struct_fields__)
    if unknown:
        raise _refused("token_invalid")
    return Entry(
        room=claims.room,
        subject=claims.sub,
        name=claims.name,
        role=claims.role,
        rights=Rights(**dict.fromkeys(claims.can, True)),
        waits=claims.waits,
    )


def _refused(code: str) -> Refused:
    return Refused(code, refusals.GATE[code])

"""Join links: a secret that a person keeps and exchanges for a fresh join token at each visit.

The secret travels in the fragment of `/join#…`, so no server log sees it; the disk holds only its
hash. Looking up a hash of 192 random bits tells a guesser nothing by its timing.
"""

from __future__ import annotations

import hmac

from joserfc.jwk import OKPKey

from signaling.core import refusals
from signaling.core.records import hash_of
from signaling.core.rights import Rights
from signaling.core.room_phases import RoomPhase
from signaling.ports import Entry, Refused
from signaling.shell.clock import Clock
from signaling.shell.ids import Ids
from signaling.shell.store import LinkRecord, Store
from signaling.shell.tokens import LINK_TOKEN_TTL_S, issue_token

MAX_SECRET_CHARS = 64  # ours have 32; more is not even hashed


class Links:
    """Makes links and exchanges them."""

    def __init__(self, store: Store, key: OKPKey, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._ids = ids

    async def create_link(
        self,
        room: str,
        subject: str,
        name: str,
        role: str,
        rights: Rights,
        waits: bool,
        ttl_s: float,
    ) -> str:
        """Open the room if need be; returns the link's secret, which is kept nowhere."""
        now = self._clock()
        secret = self._ids.secret()
        await self._store.open_room(room, now)
        await self._store.save_link(
            LinkRecord(hash_of(secret), room, subject, name, role, rights, waits, now + ttl_s)
        )
        return secret

    async def exchange(self, secret: str) -> tuple[str, Entry]:
        """A fresh join token and whom it lets in. Raises Refused (codes in `refusals.LINK`)."""
        record = await self._find(secret)
        now = self._clock()
        if record.revoked:
            raise _refused("link_revoked")
        if now >= record.expires_at:
            raise _refused("link_expired")
        room = await self._store.room(record.room)
        if room is None or room.phase is RoomPhase.ENDED:
            raise _refused("visit_ended")
        entry = _entry(record)
        return issue_token(self._key, entry, LINK_TOKEN_TTL_S, now), entry

    async def revoke(self, secret: str) -> None:
        """Withdraw a link. Raises Refused(link_unknown)."""
        if not await self._store.revoke_link(hash_of(secret)):
            raise _refused("link_unknown")

    async def _find(self, secret: str) -> LinkRecord:
        if len(secret) > MAX_SECRET_CHARS:
            raise _refused("link_unknown")
        wanted = hash_of(secret)
        record = await self._store.link(wanted)
        if record is None or not hmac.compare_digest(record.secret_hash, wanted):
            raise _refused("link_unknown")
        return record


def _entry(record: LinkRecord) -> Entry:
    return Entry(
        room=record.room,
        subject=record.subject,
        name=record.name,
        role=record.role,
        rights=record.rights,
        waits=record.waits,
    )


def _refused(code: str) -> Refused:
    return Refused(code, refusals.LINK[code])

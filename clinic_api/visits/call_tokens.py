"""Call tokens: how a seat's holder gets from the clinic to call control, once and at once.

A token says participant, generation, an id of its own and a time, under a key of the keyring; room,
name, role and rights are read when it is used. What makes it single-use is its id in the database.
A device's token may be used again until it expires: a camera cart has no page to fetch a new one.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta

import msgspec

from clinic_api.actor import Actor
from clinic_api.errors import Attempt, Refused
from clinic_api.transaction import Keys, Transaction
from clinic_api.visits import call_store, links
from clinic_api.visits.model import Participant

TTL = timedelta(seconds=60)  # from the page to call control
MAX_CHARS = 600


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token says. `expires_at`: Unix seconds."""

    id: str
    participant_id: str
    generation: int
    expires_at: float
    device: bool = False


def issue(
    tx: Transaction, seat: Participant, ttl: timedelta = TTL, *, reusable: bool = False
) -> str:
    """A token that opens the seat's call until `ttl` is over."""
    claims = Claims(
        id=tx.new_id(),
        participant_id=seat.id,
        generation=seat.generation,
        expires_at=(tx.now + ttl).timestamp(),
        device=reusable,
    )
    payload = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode().rstrip("=")
    return f"{payload}.{_mac(tx.keys, payload)}"


def read(keys: Keys, token: str) -> Claims:
    """Check key and form, not the time. Raises Refused(token_invalid)."""
    payload, _, mac = token.partition(".")
    if len(token) > MAX_CHARS or not links.same(mac, _mac(keys, payload)):
        raise Refused("token_invalid")
    try:
        raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        return msgspec.json.decode(raw, type=Claims)
    except (binascii.Error, msgspec.DecodeError, ValueError):
        raise Refused("token_invalid") from None


def consume(tx: Transaction, actor: Actor, claims: Claims) -> None:
    """Raises Refused(token_used) for the second time, unless it is a device's."""
    if claims.device:
        return
    if not call_store.use_token(tx, actor, claims.id, claims.expires_at):
        attempt = Attempt(
            actor.kind, actor.id, tx.action, "participant", claims.participant_id, actor.client
        )
        raise Refused("token_used", attempt=attempt)


def _mac(keys: Keys, payload: str) -> str:
    return keys.token("call", payload)

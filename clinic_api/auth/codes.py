"""One-time codes that staff show or say to a person whom they have in front of them.

One at a time per login and purpose, for a day; a keyed hash is kept.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from clinic_api.actor import Actor
from clinic_api.auth import code_store, recovery_codes
from clinic_api.auth.code_store import Purpose
from clinic_api.transaction import Transaction

CODE_BYTES = 5  # eight signs; tries are limited
LIFETIME = timedelta(hours=24)


def issue_code(
    tx: Transaction, actor: Actor, user_id: str, purpose: Purpose
) -> tuple[str, datetime]:
    """The code as it is spelled, and when it ends."""
    code, expires_at = recovery_codes.spelled(secrets.token_bytes(CODE_BYTES)), tx.now + LIFETIME
    code_store.set_code(tx, actor, user_id, purpose, recovery_codes.normal(code), expires_at)
    return code, expires_at


def is_code_of(tx: Transaction, user_id: str, purpose: Purpose, code: str) -> bool:
    """Whether it is the one that stands."""
    held = code_store.issued_code(tx, user_id, purpose)
    if held is None or held.code_hash is None:
        return False
    typed = code_store.hashed(tx, recovery_codes.normal(code))
    return tx.now < held.expires_at and hmac.compare_digest(typed, held.code_hash)


def awaits_factor(tx: Transaction, user_id: str) -> bool:
    """Whether a factor was reset at the desk and no new one is set up: a password is not enough,
    whether the code that was shown is used, too old or still good."""
    return code_store.issued_code(tx, user_id, "factor") is not None


def spend_code(tx: Transaction, actor: Actor, user_id: str, purpose: Purpose, code: str) -> bool:
    """Whether it is the one that stands; it is none any more if it was."""
    right = is_code_of(tx, user_id, purpose, code)
    return right and code_store.use_code(tx, actor, user_id, purpose)

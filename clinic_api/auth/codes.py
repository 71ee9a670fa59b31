"""One-time codes that staff show or say to a person whom they have in front of them.

One at a time per login, for one purpose, for a day; a keyed hash is kept.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from typing import Literal

from clinic_api.actor import Actor
from clinic_api.auth import recovery_codes, store
from clinic_api.transaction import Transaction

Purpose = Literal["activate", "factor", "reset"]
CODE_BYTES = 5  # eight signs; tries are limited
LIFETIME = timedelta(hours=24)


def issue_code(
    tx: Transaction, actor: Actor, user_id: str, purpose: Purpose
) -> tuple[str, datetime]:
    """The code as it is spelled, and when it ends."""
    code, expires_at = recovery_codes.spelled(secrets.token_bytes(CODE_BYTES)), tx.now + LIFETIME
    store.set_code(tx, actor, user_id, purpose, recovery_codes.normal(code), expires_at)
    return code, expires_at


def is_code_of(tx: Transaction, user_id: str, purpose: Purpose, code: str) -> bool:
    """Whether it is the one that stands."""
    held = store.credential(tx, user_id)
    if held.code_purpose != purpose or held.code_hash is None or held.code_expires_at is None:
        return False
    typed = tx.index(store.credentials.c.code_hash, recovery_codes.normal(code))
    return tx.now < held.code_expires_at and hmac.compare_digest(typed, held.code_hash)


def spend_code(tx: Transaction, actor: Actor, user_id: str, purpose: Purpose, code: str) -> bool:
    """The same, and it is gone if it was."""
    right = is_code_of(tx, user_id, purpose, code)
    if right:
        store.forget_code(tx, actor, user_id)
    return right

"""Every column of the database is *sealed*, *indexed* or *clear*; a test fails on an unlisted one.

Sealed: free text, notes, messages, answers, clinical data, secrets (`tx.seal`, AES-256-GCM).
Indexed: a keyed hash of a secret or an identifier, equality only (`tx.index`, HMAC-SHA-256).
Clear: ids, states, times, and what is searched and sorted: name, birth date, contacts; the disk's
encryption guards these. The shared columns of `schema.table` are clear and not repeated here.
"""

from __future__ import annotations

from typing import Literal

DataClass = Literal["sealed", "indexed", "clear"]
SHARED = ("id", "org_id", "version", "created_at", "created_by", "updated_at", "updated_by")

CLASSES: dict[str, dict[str, DataClass]] = {
    "data_keys": {
        "id": "clear",
        "purpose": "clear",
        "wrapped": "clear",  # wrapped by the key-encryption key, which is not in the database
        "kek_id": "clear",
        "created_at": "clear",
    },
    "audit": {
        "seq": "clear",
        "org_id": "clear",
        "at": "clear",
        "actor_kind": "clear",
        "actor_id": "clear",
        "action": "clear",
        "outcome": "clear",
        "object_kind": "clear",
        "object_id": "clear",
        "patient_id": "clear",
        "client": "clear",
        "detail": "clear",  # codes only
        "previous": "clear",
        "hash": "clear",
    },
    "organisations": {
        "number": "clear",
        "state": "clear",
        "name": "clear",
        "country": "clear",
        "currency": "clear",
        "time_zone": "clear",
        "phone": "clear",
        "set_up_at": "clear",
    },
    "outbox": {
        "kind": "clear",
        "audience": "clear",
        "dedupe_key": "clear",  # kind and ids
        "recipient": "clear",
        "language": "clear",
        "about": "clear",  # ids
        "state": "clear",
        "reason": "clear",
        "attempts": "clear",
        "due_at": "clear",
        "expires_at": "clear",
        "over_at": "clear",
    },
    "idempotency_keys": {
        "owner": "clear",
        "key": "indexed",
        "request": "indexed",
        "status": "clear",
        "body": "sealed",
        "content_type": "clear",
        "etag": "clear",
        "leased_until": "clear",
        "expires_at": "clear",
    },
    "users": {
        "login": "clear",
        "display_name": "clear",
        "email": "clear",
        "email_verified_at": "clear",
        "roles": "clear",
        "state": "clear",
        "language": "clear",
        "generation": "clear",
        "disabled_at": "clear",
    },
    "credentials": {
        "user_id": "clear",
        "password_hash": "sealed",  # argon2id of a keyed hash
        "code_purpose": "clear",
        "code_hash": "indexed",
        "code_expires_at": "clear",
    },
    "sign_in_tries": {
        "subject": "clear",
        "key_hash": "indexed",
        "tries": "clear",
        "last_at": "clear",
    },
    "totp_factors": {
        "user_id": "clear",
        "state": "clear",
        "secret": "sealed",
        "last_step": "clear",
        "confirmed_at": "clear",
        "ended_at": "clear",
    },
    "recovery_codes": {
        "user_id": "clear",
        "code_hash": "indexed",
        "used_at": "clear",
    },
    "sessions": {
        "user_id": "clear",
        "token_hash": "indexed",
        "level": "clear",
        "active_at": "clear",
        "stepped_up_at": "clear",
        "ended_at": "clear",
        "client": "clear",  # address
        "device": "clear",
    },
    "api_keys": {
        "owner_id": "clear",
        "key_hash": "indexed",
        "label": "sealed",
        "actions": "clear",
        "expires_at": "clear",
        "last_used_at": "clear",
        "revoked_at": "clear",
    },
}

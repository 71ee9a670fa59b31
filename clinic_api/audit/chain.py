"""The hash chain: each row's hash covers all of its columns and the hash of the row before.

hash = SHA-256(previous hash ‖ canonical encoding). The encoding is a JSON array in the order of the
columns, instants as microseconds since 1970, so that both databases and any year's program give the
same bytes. The first row follows 32 zero bytes.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec

from clinic_api.audit.model import AuditRow, detail_text, fitted
from clinic_api.transaction import AuditRecord

FORMAT = "telemed-audit-1"
START = bytes(32)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode


def row_hash(row: AuditRow) -> bytes:
    """What `row.hash` has to be; depends on everything in the row but `hash`."""
    columns = (
        FORMAT,
        row.seq,
        row.org_id,
        (row.at - _EPOCH) // _MICROSECOND,
        row.actor_kind,
        row.actor_id,
        row.action,
        row.outcome,
        row.object_kind,
        row.object_id,
        row.patient_id,
        row.client,
        row.detail,
    )
    return hashlib.sha256(row.previous + _encode(columns)).digest()


def link(record: AuditRecord, org_id: str, seq: int, previous: bytes) -> AuditRow:
    """The record as row `seq`, after the row whose hash is `previous`."""
    record = fitted(record)
    row = AuditRow(
        seq=seq,
        org_id=org_id,
        at=record.at,
        actor_kind=record.actor_kind,
        actor_id=record.actor_id,
        action=record.action,
        outcome=record.outcome,
        object_kind=record.object_kind,
        object_id=record.object_id,
        patient_id=record.patient_id,
        client=record.client,
        detail=detail_text(record.detail),
        previous=previous,
        hash=b"",
    )
    return msgspec.structs.replace(row, hash=row_hash(row))

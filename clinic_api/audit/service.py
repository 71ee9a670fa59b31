"""Reading the audit: all of it for who answers for the clinic, one's own record for a patient."""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinic_api.actor import Actor
from clinic_api.audit import store
from clinic_api.audit.model import AuditRow
from clinic_api.audit.store import Filter
from clinic_api.guarded import Facts, guarded, permit
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page, cursor_of, position_of
from clinic_api.transaction import Transaction


class ReadAudit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows, newest first; an empty field does not narrow. `since` is included."""

    patient_id: str = ""
    actor_id: str = ""
    action: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One row: ids and codes; whose names they are, pages look up."""

    seq: int
    at: datetime
    actor_kind: str
    actor_id: str
    action: str
    outcome: str
    object_kind: str
    object_id: str
    patient_id: str
    client: str
    detail: dict[str, str]


class ReadAccessLog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who looked at, or wrote in, the record of this patient."""

    patient_id: str
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class AccessEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One access by a person; no addresses, no attempts."""

    at: datetime
    actor_kind: str
    actor_id: str
    action: str
    object_kind: str


class VerifyAudit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it."""


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """`first_bad_row` is None when the audit is whole; `signed_rows` have a checkpoint."""

    whole: bool
    sentence: str
    rows: int
    signed_rows: int
    first_bad_row: int | None


@guarded("audit.read")
def read_audit(tx: Transaction, actor: Actor, command: ReadAudit) -> Page[AuditEntry]:
    """The audit, newest first, by patient, actor, action, outcome and time. Raises Refused(invalid)
    for a foreign cursor."""
    wanted = Filter(
        patient_id=command.patient_id,
        actor_id=command.actor_id,
        action=command.action,
        outcome=command.outcome,
        since=command.since,
        until=command.until,
    )
    tx.note(actor, "audit", patient_id=command.patient_id)
    rows, following = _part(tx, "audit", wanted, command.cursor, command.limit)
    return Page(tuple(_entry(row) for row in rows), following)


@guarded("patient.access_log")
def read_access_log(tx: Transaction, actor: Actor, command: ReadAccessLog) -> Page[AccessEntry]:
    """Who looked at a patient's record, newest first; a patient is not told of their own doings.
    Raises Refused(not_found) for another person's."""
    patient_id = command.patient_id
    own = actor.id if patient_id in actor.patient_ids else ""
    permit(tx, actor, Facts(kind="patient", id=patient_id, patient_ids=(patient_id,)))
    wanted = Filter(patient_id=patient_id, outcome="done", people_only=True, except_actor_id=own)
    tx.note(actor, "patient", patient_id, patient_id=patient_id)
    scope = f"access {patient_id}"
    rows, following = _part(tx, scope, wanted, command.cursor, command.limit)
    return Page(tuple(_access(row) for row in rows), following)


@guarded("audit.verify")
def begin_verification(tx: Transaction, actor: Actor, command: VerifyAudit) -> None:
    """May the actor have it verified, and that they did. The work is `flows.verify_audit`."""
    del command
    tx.note(actor, "audit")


def _part(
    tx: Transaction, scope: str, wanted: Filter, cursor: str, limit: int
) -> tuple[list[AuditRow], str | None]:
    """Up to `limit` rows, and the cursor of the next part if there is one."""
    before = int(position_of(tx, scope, cursor)[0]) if cursor else None
    rows = store.newest_first(tx, wanted, before, limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    return rows, cursor_of(tx, scope, str(rows[-1].seq)) if more else None


def _entry(row: AuditRow) -> AuditEntry:
    values = {name: getattr(row, name) for name in AuditEntry.__struct_fields__}
    return AuditEntry(**{**values, "detail": msgspec.json.decode(row.detail, type=dict[str, str])})


def _access(row: AuditRow) -> AccessEntry:
    return AccessEntry(**{name: getattr(row, name) for name in AccessEntry.__struct_fields__})

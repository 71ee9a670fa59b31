"""The table of what was measured, and rows as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Row, String

from clinic_api.actor import Actor
from clinic_api.paging import Page, page
from clinic_api.records.vital_signs import VITALS, VitalKind
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction

Origin = Literal["staff", "patient", "device"]
ObservationState = Literal["final", "entered_in_error"]

observations = table(
    "observations",
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False),
    Column("visit_id", String(36), ForeignKey("visits.id")),
    Column("kind", String(20), nullable=False),
    Column("measured_at", Moment, nullable=False),
    Column("origin", String(10), nullable=False),
    Column("state", String(20), nullable=False),
    Column("measured", LargeBinary, nullable=False),
    Index("ix_observations_patient", "patient_id", "kind", "measured_at"),
)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """`value` is the upper one of a blood pressure."""

    value: float
    unit: str  # UCUM
    diastolic: float | None = None
    remark: str = ""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    version: int
    patient_id: str
    visit_id: str | None
    kind: VitalKind
    loinc: str
    measured_at: datetime
    origin: Origin
    state: ObservationState
    noted_by: str
    measured: Measured


def insert_observation(
    tx: Transaction,
    actor: Actor,
    patient_id: str,
    visit_id: str | None,
    kind: VitalKind,
    measured_at: datetime,
    origin: Origin,
    measured: Measured,
) -> str:
    row_id = tx.new_id()
    text = msgspec.json.encode(measured).decode()
    return tx.insert(
        observations,
        actor,
        id=row_id,
        patient_id=patient_id,
        visit_id=visit_id,
        kind=kind,
        measured_at=measured_at,
        origin=origin,
        state="final",
        measured=tx.seal(observations.c.measured, row_id, text),
    )


def withdraw_observation(tx: Transaction, actor: Actor, row_id: str, version: int) -> None:
    """Raises Refused(stale)."""
    tx.update(observations, actor, row_id, version, state="entered_in_error")


def observation(tx: Transaction, row_id: str) -> Observation | None:
    row = tx.get(observations, row_id)
    return None if row is None else _observation(tx, row)


def measured_between(
    tx: Transaction,
    patient_id: str,
    kind: VitalKind,
    since: datetime,
    until: datetime,
    limit: int,
) -> list[Observation]:
    """The newest `limit` of one kind from `since` on and before `until`, newest first."""
    query = tx.select(observations).where(
        observations.c.patient_id == patient_id,
        observations.c.kind == kind,
        observations.c.measured_at >= since,
        observations.c.measured_at < until,
    )
    ordered = query.order_by(observations.c.measured_at.desc(), observations.c.id.desc())
    return [_observation(tx, row) for row in tx.all(ordered.limit(limit))]


def page_of(tx: Transaction, patient_id: str, cursor: str, limit: int) -> Page[Observation]:
    """All of a patient's, as they were noted, the oldest first."""
    query = tx.select(observations).where(observations.c.patient_id == patient_id)
    return page(
        tx, observations, query, lambda row: _observation(tx, row), cursor=cursor, limit=limit
    )


def newest_of_each(tx: Transaction, patient_id: str) -> list[Observation]:
    """The last of each kind that stands."""
    own = (observations.c.patient_id == patient_id, observations.c.state == "final")
    columns = (observations.c.kind, sa.func.max(observations.c.measured_at).label("at"))
    newest = tx.select(observations, *columns).where(*own).group_by(observations.c.kind).subquery()
    query = tx.select(observations).where(*own)
    query = query.join(
        newest,
        sa.and_(newest.c.kind == observations.c.kind, newest.c.at == observations.c.measured_at),
    )
    rows = tx.all(query.order_by(observations.c.kind, observations.c.id))
    last = {row.kind: row for row in rows}
    return [_observation(tx, row) for row in last.values()]


def _observation(tx: Transaction, row: Row[Any]) -> Observation:
    text = tx.unseal(observations.c.measured, row.id, row.measured)
    kind: VitalKind = row.kind
    return Observation(
        id=row.id,
        version=row.version,
        patient_id=row.patient_id,
        visit_id=row.visit_id,
        kind=kind,
        loinc=VITALS[kind].loinc,
        measured_at=row.measured_at,
        origin=row.origin,
        state=row.state,
        noted_by=row.created_by,
        measured=msgspec.json.decode(text, type=Measured),
    )

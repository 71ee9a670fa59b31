"""The table of how calls were: a row per person and visit, its points and events as JSON.

A row and not a row per point: a point is forty bytes, and the columns that every row has are six
times as many.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Column, ForeignKey, Integer, Row, String, Text, UniqueConstraint

from clinic_api.actor import Actor
from clinic_api.schema import table
from clinic_api.transaction import Transaction
from clinic_api.visits.quality import Event, Point, condensed, newest

call_quality = table(
    "call_quality",
    Column("visit_id", String(36), ForeignKey("visits.id"), nullable=False),
    Column("participant_id", String(36), ForeignKey("participants.id"), nullable=False),
    Column("batch", String(40), nullable=False),  # the newest that was taken in
    Column("points", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("events_left_out", Integer, nullable=False),
    UniqueConstraint("visit_id", "participant_id"),
)

_encoder = msgspec.json.Encoder()
_points = msgspec.json.Decoder(tuple[Point, ...])
_events = msgspec.json.Decoder(tuple[Event, ...])


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """How the call was for one person, oldest first."""

    participant_id: str
    points: tuple[Point, ...] = ()
    events: tuple[Event, ...] = ()
    events_left_out: int = 0


def timelines_of(tx: Transaction, visit_id: str) -> list[Timeline]:
    query = tx.select(call_quality).where(call_quality.c.visit_id == visit_id)
    return [_timeline(row) for row in tx.all(query.order_by(call_quality.c.participant_id))]


def add(
    tx: Transaction,
    actor: Actor,
    visit_id: str,
    participant_id: str,
    batch: str,
    said: Sequence[Point | Event],
) -> None:
    """Take words of one batch in; the visit has to be locked. The same batch changes nothing."""
    query = tx.select(call_quality).where(
        call_quality.c.visit_id == visit_id, call_quality.c.participant_id == participant_id
    )
    row = tx.first(query)
    if row is not None and row.batch == batch:
        return
    before = None if row is None else _timeline(row)
    after = _grown(before or Timeline(participant_id=participant_id), said)
    points, events = (_encoder.encode(each).decode() for each in (after.points, after.events))
    left_out = after.events_left_out
    if row is None:
        tx.insert(
            call_quality,
            actor,
            visit_id=visit_id,
            participant_id=participant_id,
            batch=batch,
            points=points,
            events=events,
            events_left_out=left_out,
        )
    else:
        tx.update(
            call_quality,
            actor,
            row.id,
            batch=batch,
            points=points,
            events=events,
            events_left_out=left_out,
        )


def _grown(before: Timeline, said: Sequence[Point | Event]) -> Timeline:
    points = [*before.points, *(one for one in said if isinstance(one, Point))]
    events = [*before.events, *(one for one in said if isinstance(one, Event))]
    kept = newest(events)
    return Timeline(
        participant_id=before.participant_id,
        points=condensed(points),
        events=kept,
        events_left_out=before.events_left_out + len(events) - len(kept),
    )


def _timeline(row: Row[tuple[object, ...]]) -> Timeline:
    return Timeline(
        participant_id=row.participant_id,
        points=_points.decode(row.points),
        events=_events.decode(row.events),
        events_left_out=row.events_left_out,
    )

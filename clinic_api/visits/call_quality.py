"""How a visit's call was: noted for call control, read by the staff of the visit.

No name, address or device is in it, and nothing of what was said: numbers, codes, ids of seats.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store, quality_store, store
from clinic_api.visits.model import Participation
from clinic_api.visits.quality import MAX_POINTS, Event, EventKind, Point, condensed
from clinic_api.visits.service import permitted


class QualityWord(msgspec.Struct, frozen=True):
    """`subject` is the person's seat."""

    room: str
    subject: str
    said: Point | Event


class QualityBatch(msgspec.Struct, frozen=True):
    """`id` names the batch: told twice, it is taken in once."""

    id: str
    words: tuple[QualityWord, ...]


class QualityOf(msgspec.Struct, frozen=True):
    """`points`: at most so many of each person; fewer are coarser."""

    visit_id: Id
    points: Annotated[int, Meta(ge=1, le=MAX_POINTS)] = MAX_POINTS


class QualityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Some time of the call. Sums in seconds; the four levels add up to the time with reports.

    Null is what is not known, or was not to be heard or seen.
    """

    at: datetime
    until: datetime
    good_s: float
    fair_s: float
    poor_s: float
    bad_s: float
    concealed_percent: float | None  # of the sound, made up for what did not come
    frames_per_s: float | None
    frozen_s: float  # that the picture stood still
    height: int | None  # pixels of the newest picture
    rtt_ms: int  # the worst between person and server
    loss_in_percent: float  # the worst of packets to the person, before repair
    loss_out_percent: float
    bandwidth_kbps: int | None  # the least that the way to the person carried
    way: str  # udp, tcp, turn


class QualityEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What befell the person. `others` are seats: who did not get it, or from whom nothing came."""

    kind: EventKind
    at: datetime
    lasted_s: float
    others: tuple[str, ...]
    detail: str


class Coming(msgspec.Struct, frozen=True, kw_only=True):
    """From being let in to leaving."""

    joined_at: datetime
    left_at: datetime | None
    why: str  # left, expired, removed …; "" while the person is there


class PersonQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How the call was for one person, oldest first."""

    participant_id: str
    comings: tuple[Coming, ...]
    points: tuple[QualityPoint, ...]
    events: tuple[QualityEvent, ...]
    events_left_out: int  # earlier ones, not kept


class VisitQuality(msgspec.Struct, frozen=True, kw_only=True):
    visit_id: str
    people: tuple[PersonQuality, ...]  # who has been in the call


@guarded("visit.note_quality")
def note_quality(tx: Transaction, actor: Actor, command: QualityBatch) -> None:
    """Keep a batch. Words of a room or seat that is not there (any more) are passed over."""
    words = sorted(command.words, key=lambda word: (word.room, word.subject))
    for room, of_room in groupby(words, lambda word: word.room):
        visit = store.lock_visit(tx, room)
        if visit is None:
            continue
        seats = {seat.id for seat in store.participants_of(tx, visit.id)}
        for subject, said in groupby(of_room, lambda word: word.subject):
            if subject in seats:
                told = [word.said for word in said]
                quality_store.add(tx, actor, visit.id, subject, command.id, told)


@guarded("visit.read_quality")
def read_quality(tx: Transaction, actor: Actor, command: QualityOf) -> VisitQuality:
    """How the call was for each who was in it. Raises Refused(not_found)."""
    visit = permitted(tx, actor, command.visit_id)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    timelines = {one.participant_id: one for one in quality_store.timelines_of(tx, visit.id)}
    comings: dict[str, list[Coming]] = {}
    for one in sorted(call_store.participations_of(tx, visit.id), key=lambda one: one.joined_at):
        if one.admitted_at is not None:
            comings.setdefault(one.participant_id, []).append(_coming(one.admitted_at, one))
    people = [
        _person(who, comings.get(who, []), timelines.get(who), command.points)
        for who in [*comings, *sorted(timelines.keys() - comings.keys())]
    ]
    return VisitQuality(visit_id=visit.id, people=tuple(people))


def _coming(admitted_at: datetime, one: Participation) -> Coming:
    return Coming(joined_at=admitted_at, left_at=one.left_at, why=one.why)


def _person(
    participant_id: str,
    comings: list[Coming],
    known: quality_store.Timeline | None,
    limit: int,
) -> PersonQuality:
    timeline = known or quality_store.Timeline(participant_id=participant_id)
    return PersonQuality(
        participant_id=participant_id,
        comings=tuple(comings),
        points=tuple(map(_point, condensed(timeline.points, limit))),
        events=tuple(map(_event, timeline.events)),
        events_left_out=timeline.events_left_out,
    )


def _point(point: Point) -> QualityPoint:
    """With units that people read."""
    return QualityPoint(
        at=_moment(point.at_ms),
        until=_moment(point.until_ms),
        good_s=point.good_ms / 1000,
        fair_s=point.fair_ms / 1000,
        poor_s=point.poor_ms / 1000,
        bad_s=point.bad_ms / 1000,
        concealed_percent=_share(point.concealed_ms * 100, point.heard_ms),
        frames_per_s=_share(point.frames * 1000, point.seen_ms),
        frozen_s=point.freeze_ms / 1000,
        height=point.height or None,
        rtt_ms=point.rtt_ms,
        loss_in_percent=point.loss_in / 10,
        loss_out_percent=point.loss_out / 10,
        bandwidth_kbps=point.kbps or None,
        way=point.way,
    )


def _event(event: Event) -> QualityEvent:
    return QualityEvent(
        kind=event.kind,
        at=_moment(event.at_ms),
        lasted_s=event.lasted_ms / 1000,
        others=event.others,
        detail=event.detail,
    )


def _share(amount: int, of: int) -> float | None:
    return round(amount / of, 2) if of else None


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)

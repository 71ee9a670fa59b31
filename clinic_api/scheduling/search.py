"""Free times: for everybody who looks for one, for bookings, and for whoever was too late.

Names nobody: a time that is taken is only not there. Patients and strangers find what patients may
book, from the lead on; staff find the rest too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from clinic_api.actor import Actor
from clinic_api.catalogue import store as catalogue
from clinic_api.catalogue.model import Modality, Offering, ServiceDetails
from clinic_api.catalogue.service import offering, offerings
from clinic_api.directory.model import Id
from clinic_api.errors import Alternative, Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.organisation.profile import time_zones
from clinic_api.organisation.store import organisation
from clinic_api.scheduling import hours_store, store
from clinic_api.scheduling.availability import Open, Span, open_ranges
from clinic_api.scheduling.model import LOCAL_FORMAT, FreeSlot, FreeSlots, Zone
from clinic_api.scheduling.slots import Need, Slot, slots
from clinic_api.scheduling.wall import edge, wall_at
from clinic_api.scheduling.zones import zone_of
from clinic_api.transaction import Transaction

MAX_DAYS = 42  # six weeks: a month's page of a calendar
MAX_SLOTS = 500  # in an answer
MAX_ALTERNATIVES = 6
_DAY = timedelta(days=1)
_NEAR = (timedelta(hours=12), timedelta(days=3))  # before and after what was wished for
_FAR = (timedelta(days=1), timedelta(days=14))


class FindSlots(msgspec.Struct, frozen=True, kw_only=True):
    """Which service; days are those of the zone, the last one included."""

    service_id: Id
    practitioner_ids: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()  # none: all
    from_day: date
    until_day: date
    modality: Modality | None = None
    zone: Zone = ""  # of whoever asks; "": the clinic's


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A time that somebody wanted."""

    service_id: str
    practitioner_id: str
    starts_at: datetime


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a practitioner, once for a whole search."""

    given: Offering
    need: Need
    opens: list[Open]
    busy: list[Span]


@guarded("slot.list")
def find_slots(tx: Transaction, actor: Actor, command: FindSlots) -> FreeSlots:
    """Free times of a service, day by day until there are enough. Raises Refused: not_found,
    invalid."""
    zone = command.zone or organisation(tx).time_zone or "UTC"
    span = _asked(command, zone)
    plans = [plan(tx, each, need_of(tx, actor, each), span) for each in _given(tx, actor, command)]
    found: list[FreeSlot] = []
    start = span.start
    while start < span.end and len(found) <= MAX_SLOTS:
        day = Span(start, min(start + _DAY, span.end))
        slots_of_day = [
            _shown(slot, each.given, zone) for each in plans for slot in free(each, day)
        ]
        found += sorted(slots_of_day, key=lambda each: (each.starts_at, each.practitioner_id))
        start = day.end
    return FreeSlots(zone=zone, items=tuple(found[:MAX_SLOTS]), more=len(found) > MAX_SLOTS)


@guarded("slot.list")
def alternatives(tx: Transaction, actor: Actor, command: Wish) -> tuple[Alternative, ...]:
    """The nearest free times to one that is taken: of the same practitioner, else of anybody."""
    wanted = offering(tx, command.service_id, command.practitioner_id)
    near = [] if wanted is None else _around(tx, actor, [wanted], command.starts_at, _NEAR)
    if len(near) < MAX_ALTERNATIVES:
        everybody = offerings(tx, command.service_id)
        near = _around(tx, actor, everybody, command.starts_at, _FAR)
    near.sort(key=lambda each: abs(each.starts_at - command.starts_at))
    return tuple(sorted(near[:MAX_ALTERNATIVES], key=lambda each: each.starts_at))


# for other services


def need_of(tx: Transaction, actor: Actor, given: Offering) -> Need:
    """What is needed, and between when; staff need no lead, but no time in the past."""
    rules = given.service
    lead = timedelta() if _is_staff(actor) else timedelta(minutes=rules.lead_min)
    return Need(
        service_id=given.service_id,
        location_id=given.location_id,
        duration_min=given.duration_min,
        buffer_before_min=rules.buffer_before_min,
        buffer_after_min=rules.buffer_after_min,
        step_min=rules.step_min,
        earliest=tx.now + lead,
        latest=tx.now + timedelta(days=rules.horizon_days),
    )


def plan(
    tx: Transaction, given: Offering, need: Need, within: Span, but: tuple[str, ...] = ()
) -> Plan:
    """Hours and what is busy around `within`; appointments `but` are not in the way."""
    wide = Span(max(within.start, need.earliest), min(within.end, need.latest + _DAY))
    if wide.start >= wide.end:
        return Plan(given=given, need=need, opens=[], busy=[])
    around = Span(wide.start - 3 * _DAY, wide.end + 3 * _DAY)  # as long as a visit with buffers
    return Plan(
        given=given,
        need=need,
        opens=opened(tx, given.practitioner_id, Span(wide.start - _DAY, wide.end + _DAY)),
        busy=store.busy(tx, given.practitioner_id, around, but=but),
    )


def free(made: Plan, within: Span) -> list[Slot]:
    """Slots that start in `within`."""
    need = made.need
    near = need.busy(Span(within.start, within.end + need.lasts))
    opens = [each for each in made.opens if _meet(each.span, near)]
    if not opens:
        return []
    busy = [each for each in made.busy if _meet(each, near)]
    narrowed = replace(
        need, earliest=max(need.earliest, within.start), latest=min(need.latest, within.end)
    )
    return [each for each in slots(opens, busy, narrowed, zone_of) if each.span.start < within.end]


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def opened(tx: Transaction, practitioner_id: str, within: Span) -> list[Open]:
    """The practitioner's hours."""
    before = within.start - _DAY
    rules = hours_store.weekly_of(tx, practitioner_id, before.date())
    specials = hours_store.specials_of(tx, practitioner_id, f"{before:{LOCAL_FORMAT}}")
    return open_ranges(rules, specials, within, zone_of)


def bookable(actor: Actor, service: ServiceDetails) -> bool:
    """Whether the actor may book this service at all."""
    return _is_staff(actor) or service.bookable_by == "patient"


def _is_staff(actor: Actor) -> bool:
    return actor.is_staff or actor.kind == "system"


def _given(tx: Transaction, actor: Actor, command: FindSlots) -> list[Offering]:
    """Who gives the service, as far as it was asked for. Raises Refused(not_found)."""
    service = catalogue.service(tx, command.service_id)
    if service is None or not (service.active and bookable(actor, service.details)):
        raise hidden(tx, actor, "service", command.service_id)
    permit(tx, actor, Facts(kind="service", id=command.service_id))
    if command.modality is not None and command.modality not in service.details.modalities:
        return []
    return offerings(tx, command.service_id, command.practitioner_ids)


def _asked(command: FindSlots, zone: str) -> Span:
    wrong: dict[str, str] = {}
    if not timedelta() <= command.until_day - command.from_day < MAX_DAYS * _DAY:
        wrong["until_day"] = f"Please ask for {MAX_DAYS} days at most."
    if not date(1970, 1, 2) <= command.from_day <= date(9000, 1, 1):
        wrong["from_day"] = "There are no times to be had then."
    if zone not in time_zones() and zone != "UTC":
        wrong["zone"] = "Please choose a time zone, such as Europe/Paris."
    if wrong:
        raise Refused("invalid", fields=wrong)
    first, last = (
        datetime.combine(day, datetime.min.time())
        for day in (command.from_day, command.until_day + _DAY)
    )
    return Span(edge(first, zone_of(zone)), edge(last, zone_of(zone)))


def _shown(slot: Slot, given: Offering, zone: str) -> FreeSlot:
    return FreeSlot(
        practitioner_id=given.practitioner_id,
        service_id=given.service_id,
        location_id=slot.location_id,
        starts_at=slot.span.start,
        ends_at=slot.span.end,
        local=f"{wall_at(slot.span.start, zone, zone_of).local:{LOCAL_FORMAT}}",
    )


def _around(
    tx: Transaction,
    actor: Actor,
    given: Iterable[Offering],
    at: datetime,
    reach: tuple[timedelta, timedelta],
) -> list[Alternative]:
    span = Span(at - reach[0], at + reach[1])
    return [
        Alternative(
            practitioner_id=each.practitioner_id,
            starts_at=slot.span.start,
            ends_at=slot.span.end,
        )
        for each in given
        if bookable(actor, each.service)
        for slot in free(plan(tx, each, need_of(tx, actor, each), span), span)
    ]

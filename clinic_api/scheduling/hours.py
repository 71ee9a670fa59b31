"""A practitioner's weekly hours and exceptions: listed, added, changed, taken away.

They say what can be booked from now on; what is booked stays.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec

from clinic_api.actor import Actor
from clinic_api.catalogue import store as catalogue
from clinic_api.directory import store as people
from clinic_api.directory.model import Id
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.organisation.profile import time_zones
from clinic_api.organisation.store import organisation
from clinic_api.scheduling import hours_store as store
from clinic_api.scheduling.model import (
    LOCAL_FORMAT,
    Availability,
    ExceptionHours,
    Hours,
    HoursException,
    HoursRule,
    Reason,
    minutes_of,
)
from clinic_api.transaction import Transaction

MAX_RULES = 100  # per practitioner, as every search reads them all
MAX_EXCEPTIONS = 500
LONGEST = timedelta(days=366)  # one exception
YEARS = range(2000, 9000)


class AvailabilityOf(msgspec.Struct, frozen=True):
    practitioner_id: Id


class AddHours(Hours, frozen=True, kw_only=True):
    """Weekly hours from now on."""

    practitioner_id: Id


class ChangeHours(Hours, frozen=True, kw_only=True):
    """The whole of the hours, as they shall be."""

    practitioner_id: Id
    rule_id: Id
    version: int


class RemoveHours(msgspec.Struct, frozen=True, kw_only=True):
    practitioner_id: Id
    rule_id: Id
    version: int


class AddException(ExceptionHours, frozen=True, kw_only=True):
    """Closed, or open besides; the reason is shown to those who may change hours only."""

    practitioner_id: Id
    reason: Reason = ""


class RemoveException(msgspec.Struct, frozen=True, kw_only=True):
    practitioner_id: Id
    exception_id: Id
    version: int


@guarded("availability.list")
def list_availability(tx: Transaction, actor: Actor, command: AvailabilityOf) -> Availability:
    """All hours that are not over. Raises Refused(not_found)."""
    _practitioner(tx, actor, command.practitioner_id)
    yesterday = tx.now - timedelta(days=1)  # zones are up to 14 hours behind
    return Availability(
        practitioner_id=command.practitioner_id,
        rules=tuple(store.rules_of(tx, command.practitioner_id, yesterday.date())),
        exceptions=tuple(
            store.exceptions_of(tx, command.practitioner_id, f"{yesterday:{LOCAL_FORMAT}}")
        ),
    )


@guarded("availability.change")
def add_hours(tx: Transaction, actor: Actor, command: AddHours) -> HoursRule:
    """Raises Refused: not_found, invalid, conflict (too many)."""
    practitioner_id = command.practitioner_id
    _practitioner(tx, actor, practitioner_id)
    if len(store.rules_of(tx, practitioner_id, date.min)) >= MAX_RULES:
        raise Refused("conflict", f"There can be {MAX_RULES} weekly hours. Please remove some.")
    rule_id = store.insert_rule(tx, actor, practitioner_id, _checked(tx, command))
    tx.note(actor, "availability", rule_id)
    return _rule(tx, actor, practitioner_id, rule_id)


@guarded("availability.change")
def change_hours(tx: Transaction, actor: Actor, command: ChangeHours) -> HoursRule:
    """Raises Refused: not_found, invalid, stale."""
    _practitioner(tx, actor, command.practitioner_id)
    _rule(tx, actor, command.practitioner_id, command.rule_id)
    store.update_rule(tx, actor, command.rule_id, command.version, _checked(tx, command))
    tx.note(actor, "availability", command.rule_id)
    return _rule(tx, actor, command.practitioner_id, command.rule_id)


@guarded("availability.change")
def remove_hours(tx: Transaction, actor: Actor, command: RemoveHours) -> None:
    """Raises Refused: not_found, stale."""
    _practitioner(tx, actor, command.practitioner_id)
    _rule(tx, actor, command.practitioner_id, command.rule_id)
    if not store.delete(tx, store.rules, command.rule_id, command.version):
        raise Refused("stale")
    tx.note(actor, "availability", command.rule_id, event="removed")


@guarded("availability.change")
def add_exception(tx: Transaction, actor: Actor, command: AddException) -> HoursException:
    """Raises Refused: not_found, invalid, conflict (too many)."""
    practitioner_id = command.practitioner_id
    _practitioner(tx, actor, practitioner_id)
    now_local = f"{tx.now - timedelta(days=1):{LOCAL_FORMAT}}"
    if len(store.exceptions_of(tx, practitioner_id, now_local)) >= MAX_EXCEPTIONS:
        raise Refused("conflict", f"There can be {MAX_EXCEPTIONS} exceptions. Please remove some.")
    hours = _checked_exception(tx, command)
    added = store.insert_exception(tx, actor, practitioner_id, hours, command.reason)
    tx.note(actor, "availability", added, event=hours.kind)
    return _exception(tx, actor, practitioner_id, added)


@guarded("availability.change")
def remove_exception(tx: Transaction, actor: Actor, command: RemoveException) -> None:
    """Raises Refused: not_found, stale."""
    _practitioner(tx, actor, command.practitioner_id)
    _exception(tx, actor, command.practitioner_id, command.exception_id)
    if not store.delete(tx, store.exceptions, command.exception_id, command.version):
        raise Refused("stale")
    tx.note(actor, "availability", command.exception_id, event="removed")


def _practitioner(tx: Transaction, actor: Actor, practitioner_id: str) -> None:
    if people.practitioner(tx, practitioner_id) is None:
        raise hidden(tx, actor, "practitioner", practitioner_id)
    whose = (practitioner_id,)
    permit(tx, actor, Facts(kind="practitioner", id=practitioner_id, practitioner_ids=whose))


def _rule(tx: Transaction, actor: Actor, practitioner_id: str, rule_id: str) -> HoursRule:
    found = store.rule(tx, practitioner_id, rule_id)
    if found is None:
        raise hidden(tx, actor, "availability", rule_id)
    return found


def _exception(tx: Transaction, actor: Actor, practitioner_id: str, given: str) -> HoursException:
    found = store.exception(tx, practitioner_id, given)
    if found is None:
        raise hidden(tx, actor, "availability", given)
    return found


def _checked(tx: Transaction, given: Hours) -> Hours:
    wrong: dict[str, str] = {}
    if minutes_of(given.from_time) >= minutes_of(given.until_time):
        wrong["until_time"] = "This has to be later; hours over midnight are two, up to 24:00."
    if given.valid_until is not None and given.valid_until < given.valid_from:
        wrong["valid_until"] = "This is before the first day."
    zone = _zone(tx, given.location_id, given.zone, wrong)
    return Hours(
        weekday=given.weekday,
        from_time=given.from_time,
        until_time=given.until_time,
        zone=zone,
        valid_from=given.valid_from,
        valid_until=given.valid_until,
        location_id=given.location_id,
        service_ids=_known_services(tx, given.service_ids, wrong),
    )


def _checked_exception(tx: Transaction, given: ExceptionHours) -> ExceptionHours:
    wrong: dict[str, str] = {}
    starts = _local(given.starts_local, "starts_local", wrong)
    ends = _local(given.ends_local, "ends_local", wrong)
    if starts is not None and ends is not None and not starts < ends <= starts + LONGEST:
        wrong["ends_local"] = "This has to be later than the beginning, by a year at most."
    zone = _zone(tx, given.location_id, given.zone, wrong)
    return ExceptionHours(
        kind=given.kind,
        starts_local=given.starts_local,
        ends_local=given.ends_local,
        zone=zone,
        location_id=given.location_id,
        service_ids=_known_services(tx, given.service_ids, wrong),
    )


def _local(text: str, field: str, wrong: dict[str, str]) -> datetime | None:
    try:
        found = datetime.strptime(text, LOCAL_FORMAT)
    except ValueError:
        wrong[field] = "There is no such day or time."
        return None
    if found.year not in YEARS:
        wrong[field] = "This is too far away."
    return found


def _zone(tx: Transaction, location_id: str | None, zone: str, wrong: dict[str, str]) -> str:
    """The one that is given, else that of the place, else the clinic's."""
    place = None if location_id is None else catalogue.location(tx, location_id)
    if location_id is not None and place is None:
        wrong["location_id"] = "There is no such place."
    if zone and zone not in time_zones():
        wrong["zone"] = "Please choose a time zone, such as Europe/Paris."
    return zone or (organisation(tx).time_zone if place is None else place.details.time_zone)


def _known_services(
    tx: Transaction, service_ids: tuple[str, ...], wrong: dict[str, str]
) -> tuple[str, ...]:
    """The last check: raises Refused(invalid) for everything that is wrong."""
    if any(catalogue.service(tx, each) is None for each in service_ids):
        wrong["service_ids"] = "There is no such service."
    if wrong:
        raise Refused("invalid", fields=wrong)
    return service_ids

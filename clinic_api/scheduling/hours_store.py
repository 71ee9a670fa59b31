"""Tables of weekly hours and exceptions, and rows as values for people and for the arithmetic."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    String,
    Table,
    Text,
    bindparam,
)

from clinic_api.actor import Actor
from clinic_api.scheduling.availability import Special, Weekly
from clinic_api.scheduling.model import (
    LOCAL_FORMAT,
    ExceptionHours,
    Hours,
    HoursException,
    HoursRule,
    minutes_of,
    time_of,
)
from clinic_api.schema import table
from clinic_api.transaction import Transaction, prepared

rules = table(
    "availability_rules",
    Column(
        "practitioner_id", String(36), ForeignKey("practitioners.id"), nullable=False, index=True
    ),
    Column("weekday", Integer, nullable=False),
    Column("from_min", Integer, nullable=False),
    Column("until_min", Integer, nullable=False),
    Column("zone", String(64), nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date),
    Column("location_id", String(36), ForeignKey("locations.id")),
    Column("service_ids", Text, nullable=False),  # JSON list
)

exceptions = table(
    "availability_exceptions",
    Column(
        "practitioner_id", String(36), ForeignKey("practitioners.id"), nullable=False, index=True
    ),
    Column("kind", String(5), nullable=False),
    Column("starts_local", String(16), nullable=False),
    Column("ends_local", String(16), nullable=False, index=True),
    Column("zone", String(64), nullable=False),
    Column("location_id", String(36), ForeignKey("locations.id")),
    Column("service_ids", Text, nullable=False),  # JSON list
    Column("reason", LargeBinary),
)


def insert_rule(tx: Transaction, actor: Actor, practitioner_id: str, hours: Hours) -> str:
    return tx.insert(rules, actor, practitioner_id=practitioner_id, **_rule_values(hours))


def update_rule(tx: Transaction, actor: Actor, rule_id: str, version: int, hours: Hours) -> None:
    """Raises Refused(stale)."""
    tx.update(rules, actor, rule_id, version, **_rule_values(hours))


def rule(tx: Transaction, practitioner_id: str, rule_id: str) -> HoursRule | None:
    row = tx.get(rules, rule_id)
    return None if row is None or row.practitioner_id != practitioner_id else _rule(row)


_RULES = (
    prepared(rules)
    .where(
        rules.c.practitioner_id == bindparam("practitioner_id"),
        sa.or_(rules.c.valid_until.is_(None), rules.c.valid_until >= bindparam("day")),
    )
    .order_by(rules.c.weekday, rules.c.from_min, rules.c.id)
)


def rules_of(tx: Transaction, practitioner_id: str, day: date) -> list[HoursRule]:
    """What is not over on `day`, by weekday and time."""
    return [_rule(row) for row in tx.all_of(_RULES, practitioner_id=practitioner_id, day=day)]


def insert_exception(
    tx: Transaction, actor: Actor, practitioner_id: str, hours: ExceptionHours, reason: str
) -> str:
    row_id = tx.new_id()
    return tx.insert(
        exceptions,
        actor,
        id=row_id,
        practitioner_id=practitioner_id,
        reason=tx.seal(exceptions.c.reason, row_id, reason) if reason else None,
        **(msgspec.structs.asdict(hours) | {"service_ids": _json(hours.service_ids)}),
    )


def exception(tx: Transaction, practitioner_id: str, exception_id: str) -> HoursException | None:
    row = tx.get(exceptions, exception_id)
    return None if row is None or row.practitioner_id != practitioner_id else _exception(tx, row)


def exceptions_of(tx: Transaction, practitioner_id: str, since_local: str) -> list[HoursException]:
    """What ends after a wall time, by start."""
    return [_exception(tx, row) for row in _since(tx, practitioner_id, since_local)]


def delete(tx: Transaction, hours: Table, row_id: str, version: int) -> bool:
    """Whether that version was there."""
    mine = (hours.c.org_id == tx.org_id, hours.c.id == row_id, hours.c.version == version)
    return tx.sql.execute(sa.delete(hours).where(*mine)).rowcount == 1


def weekly_of(tx: Transaction, practitioner_id: str, day: date) -> list[Weekly]:
    """What is not over on `day`, for the arithmetic."""
    return [_weekly(each.hours) for each in rules_of(tx, practitioner_id, day)]


def specials_of(tx: Transaction, practitioner_id: str, since_local: str) -> list[Special]:
    """What ends after a wall time, for the arithmetic: without the reasons."""
    return [_special(row) for row in _since(tx, practitioner_id, since_local)]


_SINCE = (
    prepared(exceptions)
    .where(
        exceptions.c.practitioner_id == bindparam("practitioner_id"),
        exceptions.c.ends_local > bindparam("since_local"),
    )
    .order_by(exceptions.c.starts_local)
)


def _since(tx: Transaction, practitioner_id: str, since_local: str) -> list[Row[Any]]:
    return tx.all_of(_SINCE, practitioner_id=practitioner_id, since_local=since_local)


def _rule_values(hours: Hours) -> dict[str, Any]:
    return {
        "weekday": hours.weekday,
        "from_min": minutes_of(hours.from_time),
        "until_min": minutes_of(hours.until_time),
        "zone": hours.zone,
        "valid_from": hours.valid_from,
        "valid_until": hours.valid_until,
        "location_id": hours.location_id,
        "service_ids": _json(hours.service_ids),
    }


def _rule(row: Row[Any]) -> HoursRule:
    hours = Hours(
        weekday=row.weekday,
        from_time=time_of(row.from_min),
        until_time=time_of(row.until_min),
        zone=row.zone,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        location_id=row.location_id,
        service_ids=_ids(row.service_ids),
    )
    return HoursRule(
        id=row.id, version=row.version, practitioner_id=row.practitioner_id, hours=hours
    )


def _weekly(hours: Hours) -> Weekly:
    return Weekly(
        weekday=hours.weekday,
        from_min=minutes_of(hours.from_time),
        until_min=minutes_of(hours.until_time),
        zone=hours.zone,
        valid_from=hours.valid_from,
        valid_until=hours.valid_until,
        location_id=hours.location_id,
        service_ids=hours.service_ids,
    )


def _exception(tx: Transaction, row: Row[Any]) -> HoursException:
    hours = ExceptionHours(
        kind=row.kind,
        starts_local=row.starts_local,
        ends_local=row.ends_local,
        zone=row.zone,
        location_id=row.location_id,
        service_ids=_ids(row.service_ids),
    )
    sealed = row.reason
    return HoursException(
        id=row.id,
        version=row.version,
        practitioner_id=row.practitioner_id,
        hours=hours,
        reason="" if sealed is None else tx.unseal(exceptions.c.reason, row.id, sealed),
    )


def _special(row: Row[Any]) -> Special:
    return Special(
        kind=row.kind,
        starts_local=datetime.strptime(row.starts_local, LOCAL_FORMAT),
        ends_local=datetime.strptime(row.ends_local, LOCAL_FORMAT),
        zone=row.zone,
        location_id=row.location_id,
        service_ids=_ids(row.service_ids),
    )


def _ids(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

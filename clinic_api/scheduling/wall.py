"""Wall time (what the clock on the wall shows), its zone, and the instant that it means.

The truth of an appointment is its wall time, fold and IANA zone; UTC is derived and derived anew
when the zone's rules change. Two rules for the nights when clocks are set:

- An *edge* (where hours begin or end) is the first instant at which the zone's clock shows that
  time or a later one. So an edge inside a gap (01:30–03:00 where 02:00 becomes 03:00) is the moment
  of the change, and one that comes twice is the first of the two. Edges never change their order,
  so hours that touch still touch, whatever the night.
- A *start* is an exact wall time: one inside a gap does not exist, one in an overlap exists twice,
  told apart by `fold` (PEP 495).

Wall times are naive datetimes; 24:00 is the next day's 00:00. Durations are real, in UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

Zones = Callable[[str], tzinfo]  # by IANA name; raises ZoneInfoNotFoundError or ValueError

_SECOND = timedelta(seconds=1)


class Wall(msgspec.Struct, frozen=True, kw_only=True):
    """An exact wall time. `fold` 1 is the second one where the clock shows it twice."""

    local: datetime  # naive
    fold: int
    zone: str  # IANA


def edge(local: datetime, zone: tzinfo) -> datetime:
    """The first instant (UTC) at which the zone's clock shows `local` or later."""
    first = _exact(local, 0, zone)
    if first is not None:
        return first
    before, after = _utc(local, 1, zone), _utc(local, 0, zone)  # PEP 495: around the change
    return _first_reading(local, zone, before, after)


def exact(wall: Wall, zones: Zones) -> datetime | None:
    """The instant (UTC) that is meant; None inside a gap."""
    return _exact(wall.local, wall.fold, zones(wall.zone))


def derived(wall: Wall, zones: Zones) -> datetime:
    """The instant (UTC) of an appointment: where new rules made a gap around it, its end."""
    found = exact(wall, zones)
    return edge(wall.local, zones(wall.zone)) if found is None else found


def exacts(local: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """Every instant at which the clock shows `local`: none in a gap, two in an overlap."""
    offset = zone.utcoffset(local.replace(fold=0))
    if offset is not None and offset == zone.utcoffset(local.replace(fold=1)):
        return ((local - offset).replace(tzinfo=UTC),)  # far from any change (PEP 495)
    found = {_exact(local, fold, zone) for fold in (0, 1)}
    return tuple(sorted(each for each in found if each is not None))


def wall_at(instant: datetime, zone_name: str, zones: Zones) -> Wall:
    """What the clock shows at an instant."""
    shown = instant.astimezone(zones(zone_name))
    return Wall(local=shown.replace(tzinfo=None, fold=0), fold=shown.fold, zone=zone_name)


def _utc(local: datetime, fold: int, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _exact(local: datetime, fold: int, zone: tzinfo) -> datetime | None:
    instant = _utc(local, fold, zone)
    return instant if _shown(instant, zone) == local else None


def _shown(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _first_reading(local: datetime, zone: tzinfo, earlier: datetime, later: datetime) -> datetime:
    """Between two instants around a gap, by halves; clocks change at full seconds."""
    while later - earlier > _SECOND:
        middle = (earlier + (later - earlier) / 2).replace(microsecond=0)
        if _shown(middle, zone) >= local:
            later = middle
        else:
            earlier = middle
    return later

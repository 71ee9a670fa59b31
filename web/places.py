"""Countries and time zones to choose from, by the pinned tzdata package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

# Where most people of the country live, for those whose list begins elsewhere.
_MAIN_ZONES = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "FM": "Pacific/Pohnpei",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
_ZONEINFO = files("tzdata") / "zoneinfo"


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """(ISO 3166 alpha-2, English name), by name."""
    rows = (line.split("\t") for line in _lines("iso3166.tab"))
    return tuple(sorted(((code, name) for code, name in rows), key=lambda row: row[1]))


@cache
def zones() -> tuple[tuple[str, str], ...]:
    """(IANA zone, the same in words) of every inhabited place."""
    names = sorted({zone for there in _zones_by_country().values() for zone in there} | {"UTC"})
    return tuple((name, name.replace("_", " ")) for name in names)


def zones_of(country: str) -> tuple[str, ...]:
    """Those of an ISO 3166 country, that of most people first; none for two empty islands."""
    found = _zones_by_country().get(country, ())
    main = _MAIN_ZONES.get(country, found[0] if found else "")
    return tuple(sorted(found, key=lambda zone: zone != main))


@cache
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _lines("zone.tab"):
        country, _, zone = line.split("\t")[:3]
        found[country] = (*found.get(country, ()), zone)
    return found


def _lines(name: str) -> list[str]:
    text = (_ZONEINFO / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]

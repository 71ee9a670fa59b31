"""Countries and time zones to choose from, by the pinned tzdata package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_ZONEINFO = files("tzdata") / "zoneinfo"


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """(ISO 3166 alpha-2, English name), by name."""
    rows = (line.split("\t") for line in _lines("iso3166.tab"))
    return tuple(sorted(((code, name) for code, name in rows), key=lambda row: row[1]))


@cache
def zones() -> tuple[tuple[str, str], ...]:
    """(IANA zone, the same in words) of every inhabited place."""
    names = sorted({line.split("\t")[2] for line in _lines("zone.tab")} | {"UTC"})
    return tuple((name, name.replace("_", " ")) for name in names)


def _lines(name: str) -> list[str]:
    text = (_ZONEINFO / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]

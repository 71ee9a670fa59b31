"""How every process of the server opens the clinic."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

from telemed_media.clinic import open_clinic
from telemed_media.data_folder import prepare


async def test_time_zones_are_those_of_the_pinned_package(tmp_path: Path) -> None:
    before = zoneinfo.TZPATH
    try:
        async with await open_clinic(prepare(tmp_path / "data"), ""):
            assert zoneinfo.TZPATH == ()
            assert zoneinfo.ZoneInfo("Europe/Warsaw").key == "Europe/Warsaw"
    finally:
        zoneinfo.reset_tzpath(before)

"""The demo's room, with a link for a doctor and one for a patient.

Visit and people are the clinic's (`clinic_api.journeys.demo`), links are made from its keys: they
stay the same over restarts until the visit is over, and nothing secret lies anywhere.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import system
from clinic_api.db import Database
from clinic_api.journeys.demo import prepare_demo


class DemoRoom(msgspec.Struct, frozen=True):
    """The room and the path of each link, by its label."""

    room: str
    paths: dict[str, str]

    def links(self, public_url: str) -> dict[str, str]:
        """The addresses to open, by label."""
        return {label: f"{public_url}{path}" for label, path in self.paths.items()}


async def ensure_demo_room(database: Database) -> DemoRoom:
    """The demo's room of before, or a new one when its visit is over."""
    visit = await database.write(lambda tx: prepare_demo(tx, system("demo")))
    return DemoRoom(visit.room, visit.paths)

"""Call tokens by the clinic's own functions: many at once, or such as no command line makes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec

from clinic_api.actor import system
from clinic_api.transaction import Transaction
from clinic_api.visits import call_tokens, console
from clinic_api.visits.model import Participant, Right
from clinic_api.visits.seats import Seat
from telemed_media.clinic import open_clinic
from telemed_media.data_folder import DataFolder

TESTS = system("tests")
SPOKEN: tuple[Right, ...] = ("publish", "subscribe", "chat")


async def new_seat(data: Path, room: str, name: str = "Carol") -> Participant:
    """A guest's seat that does not wait, in the data folder's visit of this room."""
    seat = Seat(role="guest", name=name, rights=SPOKEN, waits=False, binds_device=False)
    command = console.ConsoleSeat(room=room, seat=seat)
    async with await open_clinic(DataFolder(data, demo=True), "") as database:
        return await database.write(lambda tx: console.seat_in_room(tx, TESTS, command))


async def tokens_for(
    data: Path, seat: Participant, count: int = 1, *, ttl_s: float = 60.0, reusable: bool = False
) -> list[str]:
    """So many tokens for a seat, of which the database need not know."""

    def work(tx: Transaction) -> list[str]:
        ttl = timedelta(seconds=ttl_s)
        return [call_tokens.issue(tx, seat, ttl, reusable=reusable) for _ in range(count)]

    async with await open_clinic(DataFolder(data, demo=True), "") as database:
        return await database.read(work)


async def token(data: Path, room: str, *, ttl_s: float = 60.0) -> str:
    """A token for a new seat."""
    return (await tokens_for(data, await new_seat(data, room), ttl_s=ttl_s))[0]


def elsewhere(seat: Participant) -> Participant:
    """A seat that no database has."""
    return msgspec.structs.replace(seat, id="01990000-0000-7000-8000-000000000000")

"""What takes more than one transaction."""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.http.route import flow
from clinic_api.visits.joining import Enter, Entered, spend_try, take_linked_seat


@flow("visit.enter")
async def enter(database: Database, actor: Actor, command: Enter) -> Entered:
    """The tap on a join link: a try is counted for good before it is compared.

    Raises Refused, as `joining.spend_try` and `joining.take_linked_seat`.
    """
    if command.confirms:
        await database.write(lambda tx: spend_try(tx, actor, command))
    return await database.write(lambda tx: take_linked_seat(tx, actor, command))

"""Who sends a request is found cheaply: every request begins with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from clinic_api.db import Database
from tests.clinic_api.auth.people import bob_at_work
from tests.clinic_api.conftest import Clock


@contextmanager
def selects() -> Iterator[list[str]]:
    """The SELECT statements that are executed meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_request_of_a_person_is_recognised_by_two_queries(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    await bob.actor()
    with selects() as seen:
        actor = await bob.actor()
    assert {"admin", "doctor"} <= actor.roles
    assert actor.practitioner_id is not None
    assert len(seen) == 2

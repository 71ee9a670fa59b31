"""Requests that are sent twice are carried out once."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.idempotency import Stored, claim, finish, forget_expired, keys, release
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock
from tests.clinic_api.toys import BOB, CHARLIE

JSON = "application/json"
STRANGER = Actor(kind="stranger", client="192.0.2.7")


async def ask(
    database: Database, actor: Actor = BOB, key: str = "k", request: str = "POST /visits {}"
) -> Stored | None:
    return await database.write(lambda tx: claim(tx, actor, key, request))


async def answer(database: Database, body: bytes = b'{"id":1}', actor: Actor = BOB) -> None:
    await database.write(lambda tx: finish(tx, actor, "k", 201, body, JSON, '"1"'))


async def refusal(database: Database, request: str = "POST /visits {}") -> str:
    with pytest.raises(Refused) as caught:
        await ask(database, request=request)
    return caught.value.code


async def test_the_second_time_gets_the_first_answer(database: Database) -> None:
    assert await ask(database) is None
    await answer(database)
    assert await ask(database) == Stored(201, b'{"id":1}', JSON, '"1"')


async def test_the_same_key_for_another_request_is_refused(database: Database) -> None:
    await ask(database)
    assert await refusal(database, "POST /visits {1}") == "key_reused"
    await answer(database)
    assert await refusal(database, "POST /visits {1}") == "key_reused"


async def test_of_many_at_once_one_is_carried_out(database: Database) -> None:
    async def run() -> str:
        try:
            return "run" if await ask(database) is None else "answer"
        except Refused as refused:
            return refused.code

    outcomes = await asyncio.gather(*(run() for _ in range(8)))
    assert sorted(outcomes) == ["in_progress"] * 7 + ["run"]


async def test_who_died_can_be_followed_when_the_lease_is_over(
    database: Database, clock: Clock
) -> None:
    await ask(database)
    clock.advance(59)
    assert await refusal(database) == "in_progress"
    clock.advance(2)
    assert await ask(database) is None
    assert await refusal(database) == "in_progress"


async def test_a_claim_that_was_given_up_is_free_at_once(database: Database) -> None:
    await ask(database)
    await database.write(lambda tx: release(tx, BOB, "k"))
    assert await ask(database) is None


async def test_an_answer_is_neither_given_up_nor_replaced(database: Database) -> None:
    await ask(database)
    await answer(database)
    await answer(database, b"other")
    await database.write(lambda tx: release(tx, BOB, "k"))
    assert await ask(database) == Stored(201, b'{"id":1}', JSON, '"1"')


async def test_a_claim_falls_with_its_transaction(database: Database) -> None:
    def refused(tx: Transaction) -> None:
        claim(tx, BOB, "k", "POST /visits {}")
        raise Refused("invalid")

    with pytest.raises(Refused):
        await database.write(refused)
    assert await ask(database) is None


async def test_keys_are_of_one_actor_and_strangers_of_one_address(database: Database) -> None:
    await ask(database)
    await answer(database)
    assert await ask(database, CHARLIE) is None
    assert await ask(database, STRANGER) is None
    await answer(database, actor=STRANGER)
    assert await ask(database, STRANGER) is not None
    assert await ask(database, Actor(kind="stranger", client="192.0.2.8")) is None


async def test_after_a_day_a_key_is_forgotten(database: Database, clock: Clock) -> None:
    await ask(database)
    await answer(database)
    clock.advance(24 * 3600 - 1)
    assert await database.write(forget_expired) == 0
    clock.advance(1)
    assert await ask(database, request="POST /other {}") is None
    clock.advance(24 * 3600)
    assert await database.write(forget_expired) == 1


async def test_neither_the_key_nor_the_answer_can_be_read_on_disk(database: Database) -> None:
    await ask(database, key="k")
    await answer(database, b"CANARY")
    row = await database.read(lambda tx: tx.sql.execute(sa.select(keys)).one())
    assert b"CANARY" not in bytes(row.body)
    assert len(row.key) == len(row.request) == 32

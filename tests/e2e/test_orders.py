"""What another process writes into the clinic's database ends running calls within seconds."""

from __future__ import annotations

import asyncio
import time

from clinic_api.actor import system
from clinic_api.visits import store
from clinic_api.visits.service import OneVisit, end_visit
from signaling.core.closing import Closing
from tests.e2e.server import Server
from tests.e2e.wire import connect

PROMISED_S = 5.0
TESTS = system("tests")


async def test_who_is_inside_by_a_revoked_token_is_out_within_five_seconds(
    server: Server,
) -> None:
    token = await server.token(server.ready.room, "Charlie", "--admitted")
    other = await server.token(server.ready.room, "Carol", "--admitted")
    async with connect(server) as charlie, connect(server) as carol:
        for wire, secret in ((charlie, token), (carol, other)):
            await wire.hello(secret)
            await wire.hears("welcome")
        leaving = asyncio.create_task(charlie.closed())
        await server.revoke(token)
        revoked_at = time.monotonic()
        assert await leaving == Closing.WITHDRAWN.code
        assert time.monotonic() - revoked_at < PROMISED_S
        await carol.say({"type": "ping"})
        await carol.hears("pong")


async def test_a_visit_that_is_ended_elsewhere_ends_the_call_within_five_seconds(
    server: Server,
) -> None:
    tokens = [await server.token("ward-7", name, "--admitted") for name in ("Alice", "Bob")]
    async with connect(server) as alice, connect(server) as bob:
        for wire, token in zip((alice, bob), tokens, strict=True):
            await wire.hello(token)
            await wire.hears("welcome")
        leaving = asyncio.gather(alice.closed(), bob.closed())
        async with await server.clinic() as database:
            visit = await database.read(lambda tx: store.visit_in(tx, "ward-7"))
            assert visit is not None
            await database.write(lambda tx: end_visit(tx, TESTS, OneVisit(visit.id)))
            ended_at = time.monotonic()
        codes = list(await leaving)
        assert time.monotonic() - ended_at < PROMISED_S
        assert codes == [Closing.ENDED.code] * 2

"""Carries out one operation: a service in one transaction, a flow over several.

A request with an Idempotency-Key is carried out once. For a service the claim of the key, the work
and the answer commit together; a flow claims first, and gives the key back if it is refused.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.files.model import ReceivedFile
from clinic_api.http.answering import Answer, answer_of
from clinic_api.http.route import Route, WithSession
from clinic_api.idempotency import Stored, claim, finish, release
from clinic_api.transaction import Transaction


class Once(msgspec.Struct, frozen=True):
    """An Idempotency-Key, and the hash of the request that it stands for."""

    key: str
    request_hash: str


class Done(msgspec.Struct, frozen=True):
    """An answer; `session` is what becomes of the cookie: a one-tuple sets or clears it."""

    answer: Answer
    session: tuple[str | None, ...] = ()
    replayed: bool = False  # it was kept from the first time; nothing was done now


async def carry_out(
    database: Database,
    route: Route,
    actor: Actor,
    command: msgspec.Struct,
    once: Once | None,
    files: tuple[ReceivedFile, ...] = (),
) -> Done:
    """`files`: the one that came with it, where the route takes one.

    Raises what `route.run` raises, and Refused: key_reused, in_progress.
    """
    if route.is_flow and once is not None:
        return await _flow_once(database, route, actor, command, once, files)
    if route.is_flow:
        return await _flow(database, route, actor, command, files)

    def work(tx: Transaction) -> Done:
        stored = claim(tx, actor, once.key, once.request_hash) if once is not None else None
        if stored is not None:
            return Done(_again(stored), replayed=True)
        answer = answer_of(route, route.run(tx, actor, command, *files))
        if once is not None:
            _keep(tx, actor, once, answer)
        return Done(answer)

    run = database.read if route.method == "GET" else database.write
    return await run(work)


async def _flow(
    database: Database,
    route: Route,
    actor: Actor,
    command: msgspec.Struct,
    files: tuple[ReceivedFile, ...],
) -> Done:
    result = await route.run(database, actor, command, *files)
    if isinstance(result, WithSession):
        return Done(answer_of(route, result.result), (result.token,))
    return Done(answer_of(route, result))


async def _flow_once(
    database: Database,
    route: Route,
    actor: Actor,
    command: msgspec.Struct,
    once: Once,
    files: tuple[ReceivedFile, ...],
) -> Done:
    stored = await database.write(lambda tx: claim(tx, actor, once.key, once.request_hash))
    if stored is not None:
        return Done(_again(stored), replayed=True)
    try:
        done = await _flow(database, route, actor, command, files)
    except Refused:
        await database.write(lambda tx: release(tx, actor, once.key))
        raise
    await database.write(lambda tx: _keep(tx, actor, once, done.answer))
    return done


def _keep(tx: Transaction, actor: Actor, once: Once, answer: Answer) -> None:
    finish(tx, actor, once.key, answer.status, answer.body, answer.content_type, answer.etag)


def _again(stored: Stored) -> Answer:
    return Answer(
        status=stored.status,
        body=stored.body,
        content_type=stored.content_type,
        etag=stored.etag,
    )

"""Takes the file of a form to disk, and carries out what it is for.

In this order: may this file come (a transaction), the file to disk, checked while it streams; then
one transaction for the row, the Idempotency-Key and the answer. Whatever is refused leaves nothing
behind; whether a transaction that could not be heard of committed, nobody knows, so its file stays
until `files/sweeping.py` finds that no row names it.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import structlog
from aiohttp import web

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.files.disk import Draft, TooLarge, disk_of
from clinic_api.files.inspecting import NotAccepted
from clinic_api.files.media_types import tidy_name
from clinic_api.files.model import ReceivedFile
from clinic_api.http.forms import FILE_FIELD, Form, Patience, too_large
from clinic_api.http.route import Route
from clinic_api.http.running import Done, Once, carry_out
from clinic_api.ids import new_id

MOST_PER_ACTOR = 3  # at once
MOST_AT_ONCE = 24  # 25 MB each: what a small disk can spare for drafts
RETRY_AFTER_S = 5
HOP_BYTES = 256 * 1024  # in one call of a thread
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

log = structlog.get_logger(__name__)


class Uploads:
    """All files that are on their way in."""

    def __init__(self, database: Database, patience: Patience | None = None) -> None:
        self._database = database
        self.patience = patience or Patience()
        self._running: Counter[str] = Counter()

    @contextmanager
    def slot(self, actor: Actor) -> Iterator[None]:
        """Raises Refused(too_many_requests) where too many are on their way."""
        who = actor.label
        if self._running[who] >= MOST_PER_ACTOR or self._running.total() >= MOST_AT_ONCE:
            raise Refused(
                "too_many_requests",
                "Other files are still on their way. Please send one after the other.",
                retry_after_s=RETRY_AFTER_S,
            )
        self._running[who] += 1
        try:
            yield
        finally:
            self._running[who] -= 1
            if not self._running[who]:
                del self._running[who]

    async def carry_out(
        self, route: Route, actor: Actor, command: msgspec.Struct, form: Form, key: str | None
    ) -> Done:
        """Raises Refused: what `route` raises, file_refused, too_large, too_slow, storage_full,
        unavailable, key_reused, in_progress."""
        before = route.before_file
        assert before is not None
        await self._database.read(lambda tx: before(tx, actor, command))
        file_id = new_id(self._database.now())
        with _disk_errors():
            draft = await asyncio.to_thread(
                disk_of(self._database).draft, file_id, form.file_name, route.max_body_bytes
            )
        try:
            file = await self._receive(file_id, draft, form, route)
        except BaseException:
            draft.discard()
            raise
        once = None if key is None else Once(key, _hash_of(route, command, file))
        try:
            done = await carry_out(self._database, route, actor, command, once, (file,))
        except Refused as refused:
            if refused.code != "unavailable":
                draft.discard()
            raise
        if done.replayed:
            draft.discard()
        return done

    async def _receive(self, file_id: str, draft: Draft, form: Form, route: Route) -> ReceivedFile:
        with _disk_errors(), _refusals(route.max_body_bytes):
            if route.remade is None:
                await _stream(form, draft)
            else:
                held = await _held(form, route.max_body_bytes)
                await asyncio.to_thread(
                    draft.write, await asyncio.to_thread(route.remade.make, held)
                )
            written = await asyncio.to_thread(draft.finish)
        return ReceivedFile(
            id=file_id,
            name=tidy_name(form.file_name, written.media_type),
            media_type=written.media_type,
            size=written.size,
            sha256=written.sha256,
            state="quarantined" if self._database.quarantines else "received",
        )


UPLOADS = web.AppKey("uploads", Uploads)


async def _stream(form: Form, draft: Draft) -> None:
    waiting = bytearray()
    async for data in form.file():
        waiting += data
        if len(waiting) >= HOP_BYTES:
            await asyncio.to_thread(draft.write, bytes(waiting))
            waiting.clear()
    await asyncio.to_thread(draft.write, bytes(waiting))


async def _held(form: Form, limit: int) -> bytes:
    """The whole file. Raises TooLarge."""
    held = bytearray()
    async for data in form.file():
        held += data
        if len(held) > limit:
            raise TooLarge
    return bytes(held)


@contextmanager
def _refusals(limit: int) -> Iterator[None]:
    try:
        yield
    except TooLarge:
        raise too_large(limit) from None
    except NotAccepted as why:
        raise Refused("file_refused", str(why), fields={FILE_FIELD: str(why)}) from None


@contextmanager
def _disk_errors() -> Iterator[None]:
    """A full disk is told in words; so is a broken one, and logged."""
    try:
        yield
    except OSError as problem:
        full = problem.errno in _NO_ROOM
        log.error("file_not_stored", exc_info=problem)
        raise Refused("storage_full" if full else "unavailable") from problem


def _hash_of(route: Route, command: msgspec.Struct, file: ReceivedFile) -> str:
    """What an Idempotency-Key stands for: the same operation, fields and file."""
    about = msgspec.json.encode((repr(route), command, file.name, file.sha256))
    return hashlib.sha256(about).hexdigest()

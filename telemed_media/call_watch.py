"""Ends calls and people's places in them when the clinic's data say so.

A visit is ended, a link withdrawn, a user disabled by the API, by the command line or by the jobs:
each only writes the database. The front asks it once a second while somebody is in a call, so no
word can be lost between processes, and one that came while the front was away is found afterwards.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog

from clinic_api.db import Database
from clinic_api.visits.gate import call_orders
from telemed_media.gate import GATE

EVERY_S = 1.0  # promised are 5 s from the word to the empty seat


class Calls(Protocol):
    """What is used of `signaling.shell.calls.CallControl`."""

    @property
    def is_empty(self) -> bool: ...
    def end(self, room: str) -> None: ...
    def withdraw(self, room: str, subject: str) -> None: ...


class CallWatch:
    """Run `keep` until cancelled."""

    def __init__(self, calls: Calls, database: Database) -> None:
        self._calls = calls
        self._database = database

    async def keep(self) -> None:
        """Look once a second; a database that does not answer is asked again."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
            except Exception as problem:  # noqa: BLE001 this task's supervisor: the calls go on
                structlog.get_logger().error("call_orders_unread", exc_info=problem)

    async def look(self) -> None:
        """Carry out what stands in the database now."""
        if self._calls.is_empty:
            return
        for order in await self._database.read(lambda tx: call_orders(tx, GATE)):
            if order.subject is None:
                self._calls.end(order.room)
            else:
                self._calls.withdraw(order.room, order.subject)

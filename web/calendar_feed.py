"""The private calendar of a login, `GET /calendar/<token>.ics`, for calendar programs.

The address is the whole secret: no cookie counts, and nobody is told whether one ever existed.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

import msgspec
from aiohttp import web

from clinic_api.actor import STRANGER
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.http.authentication import client_of
from clinic_api.http.rate import Buckets, Rate
from clinic_api.scheduling.feed import PATH, SUFFIX, Followed, FollowFeed, follow_feed
from clinic_api.scheduling.ics import feed

FEED_RATE = Rate(burst=60, per_s=0.5)  # of one address, behind which many phones may be
MAX_TAGS = 10
MAX_TOKEN_CHARS = 100


class CalendarFeeds:
    """Made once, by `add_calendar_feeds`."""

    def __init__(self, database: Database, rate: Rate, clock: Callable[[], float]) -> None:
        self._database = database
        self._buckets = Buckets(rate)
        self._clock = clock

    async def show(self, request: web.Request) -> web.Response:
        """200 with the calendar, 304, 404, or 429 with Retry-After."""
        client = client_of(request)
        wait_s = self._buckets.take(client, self._clock())
        if wait_s:
            return _plain(429, "Too often.", {"Retry-After": str(math.ceil(wait_s))})
        token = request.match_info["token"][:MAX_TOKEN_CHARS]
        command = FollowFeed(token, _tags(request))
        actor = msgspec.structs.replace(STRANGER, client=client)
        try:
            found = await self._database.read(lambda tx: follow_feed(tx, actor, command))
        except Refused as refused:
            return _plain(refused.status, refused.message)
        return await _answer(found)


def add_calendar_feeds(
    app: web.Application,
    database: Database,
    rate: Rate = FEED_RATE,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Adds the one address."""
    feeds = CalendarFeeds(database, rate, clock)
    app.router.add_get(f"{PATH}{{token}}{SUFFIX}", feeds.show)


async def _answer(found: Followed) -> web.Response:
    headers = {"ETag": found.etag, "Cache-Control": "private, no-cache"}
    if found.entries is None:
        return web.Response(status=304, headers=headers)
    text = await asyncio.to_thread(feed, found.entries, found.name)
    headers["Content-Disposition"] = 'inline; filename="appointments.ics"'
    return web.Response(text=text, content_type="text/calendar", charset="utf-8", headers=headers)


def _tags(request: web.Request) -> tuple[str, ...]:
    known = ",".join(request.headers.getall("If-None-Match", []))
    return tuple(tag.strip().removeprefix("W/") for tag in known.split(",")[:MAX_TAGS])


def _plain(status: int, words: str, headers: dict[str, str] | None = None) -> web.Response:
    shown = {"Cache-Control": "no-store"} | (headers or {})
    return web.Response(status=status, text=f"{words}\n", headers=shown)

"""Operations on one's own calendar feed under /api/v1; the feed itself is a page of the server."""

from __future__ import annotations

from clinic_api.http.route import Route
from clinic_api.scheduling.feed import (
    ChangeFeed,
    Nothing,
    OwnFeed,
    RenewFeed,
    change_feed,
    read_feed,
    renew_feed,
    withdraw_feed,
)

_MINE = "/account/calendar"

ROUTES: tuple[Route, ...] = (
    Route("GET", _MINE, read_feed, Nothing, OwnFeed),
    Route("POST", _MINE, renew_feed, RenewFeed, OwnFeed, status=201),
    Route("PUT", _MINE, change_feed, ChangeFeed, OwnFeed),
    Route("DELETE", _MINE, withdraw_feed, Nothing, None),
)

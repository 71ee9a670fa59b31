"""How often one client may ask; less often where codes, links and passwords can be guessed."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from clinic_api.actions import ACTIONS
from clinic_api.errors import Refused
from clinic_api.http.rate import Buckets, Rate
from clinic_api.http.route import Route

SEARCH = "slot.list"


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """A whole clinic may sit behind one address, where a page asks some times per click."""

    all: Rate = Rate(burst=600, per_s=60)
    guessing: Rate = Rate(burst=60, per_s=1)  # each account has its own delay besides
    searching: Rate = Rate(burst=120, per_s=2)  # free times, which take some ms to compute


class Doors:
    """The buckets of all clients."""

    def __init__(self, rates: Rates, clock: Callable[[], float]) -> None:
        self._all = Buckets(rates.all)
        self._guessing = Buckets(rates.guessing)
        self._searching = Buckets(rates.searching)
        self._clock = clock

    def knock(self, route: Route, client: str) -> None:
        """Raises Refused(too_many_requests) with the seconds to wait."""
        now = self._clock()
        wait_s = self._all.take(client, now)
        if not wait_s and can_be_guessed(route):
            wait_s = self._guessing.take(client, now)
        if not wait_s and route.action == SEARCH:
            wait_s = self._searching.take(client, now)
        if wait_s:
            raise Refused("too_many_requests", retry_after_s=math.ceil(wait_s))


def can_be_guessed(route: Route) -> bool:
    """Whether strangers, or whoever found a session, may try secrets here."""
    by_strangers = "stranger" in ACTIONS[route.action].grants
    return route.method != "GET" and (by_strangers or route.action.startswith("account."))

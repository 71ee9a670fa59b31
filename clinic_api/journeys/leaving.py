"""Somebody leaves: out of sign-in, keys and running calls; what they were to do is listed.

A seat counts as withdrawn while its login is disabled; the front, which looks every second, then
puts the person out of a call that runs.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.auth.model import UserResult
from clinic_api.auth.users import Disabled, OneVersion, disable_user
from clinic_api.directory import store as people
from clinic_api.guarded import guarded
from clinic_api.http.route import Route
from clinic_api.scheduling import store as scheduling
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.visit import OPEN

LISTED = 100  # visits, and appointments, to reassign that are named


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What ended, and what needs another practitioner: open visits, and appointments to come, which
    `POST /practitioners/{practitioner_id}/reassign` gives to somebody else."""

    user: UserResult
    sessions_ended: int
    api_keys_revoked: int
    visits_to_reassign: tuple[str, ...]
    practitioner_id: str | None
    appointments_to_reassign: tuple[str, ...]  # by start, the first hundred


@guarded("user.disable")
def disable(tx: Transaction, actor: Actor, command: OneVersion) -> Left:
    """Disable a login and end everything of it. Raises Refused: not_found, illegal_event, stale."""
    ended: Disabled = disable_user(tx, actor, command)
    practitioner = people.practitioner_of(tx, command.user_id)
    practitioner_id = None if practitioner is None else practitioner.id
    return Left(
        user=ended.user,
        sessions_ended=ended.sessions_ended,
        api_keys_revoked=ended.api_keys_revoked,
        visits_to_reassign=_open_visits(tx, practitioner_id),
        practitioner_id=practitioner_id,
        appointments_to_reassign=_to_come(tx, practitioner_id),
    )


def _to_come(tx: Transaction, practitioner_id: str | None) -> tuple[str, ...]:
    if practitioner_id is None:
        return ()
    narrow = scheduling.to_come(tx, practitioner_id)
    return tuple(each.id for each in scheduling.listed(tx, narrow, None, LISTED))


def _open_visits(tx: Transaction, practitioner_id: str | None) -> tuple[str, ...]:
    if practitioner_id is None:
        return ()
    mine = store.visits.c.practitioner_id == practitioner_id
    open_ones = store.visits.c.state.in_(OPEN)
    return tuple(visit.id for visit in store.list_visits(tx, mine, open_ones, limit=LISTED))


ROUTES: tuple[Route, ...] = (Route("POST", "/users/{user_id}/disable", disable, OneVersion, Left),)

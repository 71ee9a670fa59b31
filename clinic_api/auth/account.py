"""One's own account: what it is, where it is signed in, a fresh second factor, the end."""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinic_api.actor import Actor
from clinic_api.auth import attempts, factor_store, session_store, store
from clinic_api.auth.model import Device, Level, User, UserResult, shown
from clinic_api.auth.service import (
    NEXT,
    Next,
    Nothing,
    ShowCode,
    is_right,
    me,
    own,
    own_session,
    tried,
)
from clinic_api.auth.session_store import Session
from clinic_api.auth.sessions import ends_at, stands
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.ids import is_id
from clinic_api.paging import Page
from clinic_api.transaction import Transaction


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One's own login and the session that asks."""

    user: UserResult
    next: Next
    ends_at: datetime
    stepped_up_at: datetime | None
    recovery_codes_left: int
    practitioner_id: str | None
    patient_ids: tuple[str, ...]


class SessionResult(msgspec.Struct, frozen=True, kw_only=True):
    """One of one's own sessions."""

    id: str
    created_at: datetime
    active_at: datetime
    ends_at: datetime
    client: str
    device: Device
    is_this: bool


class EndSession(msgspec.Struct, frozen=True):
    """Which."""

    session_id: str


@guarded("account.step_up")
def finish_step_up(tx: Transaction, actor: Actor, command: ShowCode) -> Account:
    """A fresh second factor for what needs one. Raises Refused: bad_code."""
    user, session = own(tx, actor), own_session(tx, actor)
    if not is_right(tx, actor, user.id, command.code):
        raise Refused("bad_code", attempt=tried(tx, actor, user.id))
    attempts.clear(tx, "code", user.id)
    session_store.note_step_up(tx, actor, session.id)
    tx.note(actor, "user", user.id)
    return account(tx, actor)


@guarded("account.read")
def read_account(tx: Transaction, actor: Actor, command: Nothing) -> Account:
    """Who I am, and what the session still needs."""
    del command
    permit(tx, actor, me(actor))
    return account(tx, actor)


@guarded("account.list_sessions")
def list_sessions(tx: Transaction, actor: Actor, command: Nothing) -> Page[SessionResult]:
    """Where I am signed in."""
    del command
    user = own(tx, actor)
    standing = [
        each
        for each in session_store.open_sessions(tx, user.id)
        if stands(each.times, tx.now, staff=user.is_staff)
    ]
    return Page(tuple(_session_result(each, user, actor) for each in standing))


@guarded("account.end_session")
def end_session(tx: Transaction, actor: Actor, command: EndSession) -> None:
    """End one of my sessions. Raises Refused(not_found)."""
    session = session_store.session(tx, command.session_id) if is_id(command.session_id) else None
    if session is None:
        raise hidden(tx, actor, "session", command.session_id)
    permit(tx, actor, Facts(kind="session", id=session.id, user_id=session.user_id))
    if session.times.ended_at is None:
        session_store.end_session(tx, actor, session.id)
    tx.note(actor, "session", session.id)


@guarded("account.sign_out")
def end_own_session(tx: Transaction, actor: Actor) -> None:
    """End the session that asks."""
    session = own_session(tx, actor)
    session_store.end_session(tx, actor, session.id)
    tx.note(actor, "session", session.id)


def account(tx: Transaction, actor: Actor) -> Account:
    user, session = store.existing_user(tx, actor.id), own_session(tx, actor)
    level: Level = "enrolling" if "enrolling" in actor.roles else session.times.level
    return Account(
        user=shown(user, has_second_factor=factor_store.has_factor(tx, user.id)),
        next=NEXT[level],
        ends_at=ends_at(session.times, staff=user.is_staff),
        stepped_up_at=session.stepped_up_at,
        recovery_codes_left=factor_store.codes_left(tx, user.id),
        practitioner_id=actor.practitioner_id,
        patient_ids=tuple(sorted(actor.patient_ids)),
    )


def _session_result(session: Session, user: User, actor: Actor) -> SessionResult:
    return SessionResult(
        id=session.id,
        created_at=session.times.created_at,
        active_at=session.times.active_at,
        ends_at=ends_at(session.times, staff=user.is_staff),
        client=session.client,
        device=session.device,
        is_this=session.id == actor.session_id,
    )

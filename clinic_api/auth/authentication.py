"""From what a request shows to who acts: a session's cookie, an API key, a participant's token.

What a login means for people (whose records, which practitioner) and what a participant's token
means, higher features know; both are given as functions. One read per request; activity is written
at most every 30 s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from clinic_api.actor import Actor, system
from clinic_api.auth import api_keys, session_store, store
from clinic_api.auth.session_store import Shown
from clinic_api.auth.sessions import is_worth_noting, stands
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.guarded import guarded
from clinic_api.http.authentication import Authenticate, Credentials
from clinic_api.transaction import Transaction

_SERVER = system("authentication")


class People(Protocol):
    """Whose records a login may see, and which practitioner it is."""

    @property
    def patient_ids(self) -> frozenset[str]: ...
    @property
    def practitioner_id(self) -> str | None: ...


PeopleOf = Callable[[Transaction, str], People]  # of a user's id
ParticipantOf = Callable[[Transaction, str, str], Actor | None]  # of a token; client


class Known(msgspec.Struct, frozen=True):
    """Who acts, and what of it is worth a write."""

    actor: Actor
    active_session_id: str = ""
    used_key_id: str = ""


def authenticator(
    database: Database, people_of: PeopleOf, participant_of: ParticipantOf
) -> Authenticate:
    """What the HTTP API asks of each request. The function raises Refused(sign_in_needed) for a
    token that is unknown, old or revoked, and gives a stranger where nothing (or an ended session)
    is shown.
    """

    async def authenticate(credentials: Credentials) -> Actor:
        if not credentials.session and not credentials.bearer:
            return Actor(kind="stranger", client=credentials.client)

        def known(tx: Transaction) -> Known:
            return recognise(tx, _SERVER, credentials, people_of, participant_of)

        found = await database.read(known)
        if found.active_session_id or found.used_key_id:
            await database.write(lambda tx: note_use(tx, _SERVER, found))
        return found.actor

    return authenticate


@guarded("account.authenticate")
def recognise(
    tx: Transaction,
    actor: Actor,
    credentials: Credentials,
    people_of: PeopleOf,
    participant_of: ParticipantOf,
) -> Known:
    """Who shows this. Raises Refused(sign_in_needed)."""
    del actor
    bearer = credentials.bearer
    if bearer is None:
        return _by_session(tx, credentials, people_of)
    if bearer.startswith(api_keys.PREFIX):
        return _by_api_key(tx, bearer, credentials.client, people_of)
    participant = participant_of(tx, bearer, credentials.client)
    if participant is None:
        raise Refused("sign_in_needed")
    return Known(participant)


@guarded("account.authenticate")
def note_use(tx: Transaction, actor: Actor, known: Known) -> None:
    """A person did something in a session, or a program used its key."""
    if known.active_session_id:
        session_store.note_activity(tx, actor, known.active_session_id)
    if known.used_key_id:
        session_store.note_use(tx, actor, known.used_key_id)


def _by_session(tx: Transaction, credentials: Credentials, people_of: PeopleOf) -> Known:
    stranger = Known(Actor(kind="stranger", client=credentials.client))
    shown = session_store.shown_by_token(tx, credentials.session or "")
    if shown is None:
        return stranger
    session, user = shown.session, shown.user
    if user.state != "active" or not stands(session.times, tx.now, staff=user.is_staff):
        return stranger
    worth = credentials.user_input and is_worth_noting(session.times, tx.now)
    actor = _acting(tx, shown, credentials.client, people_of)
    return Known(actor, active_session_id=session.id if worth else "")


def _acting(tx: Transaction, shown: Shown, client: str, people_of: PeopleOf) -> Actor:
    """The user with all roles, or with what an unfinished sign-in allows."""
    session, user = shown.session, shown.user
    level = session.times.level
    if level == "full" and user.is_staff and not shown.has_factor:
        level = "enrolling"  # a patient who has become staff
    if level != "full":
        stand_in = "unfinished" if level == "password" else "enrolling"
        return Actor(
            kind="user",
            id=user.id,
            roles=frozenset({stand_in}),
            session_id=session.id,
            client=client,
        )
    people = people_of(tx, user.id)
    return Actor(
        kind="user",
        id=user.id,
        roles=user.roles,
        patient_ids=people.patient_ids,
        practitioner_id=people.practitioner_id,
        session_id=session.id,
        stepped_up_at=session.stepped_up_at,
        client=client,
    )


def _by_api_key(tx: Transaction, secret: str, client: str, people_of: PeopleOf) -> Known:
    key = session_store.api_key_by_secret(tx, secret)
    owner = store.user(tx, key.owner_id) if key else None
    if key is None or owner is None or owner.state != "active" or not api_keys.counts(key, tx.now):
        raise Refused("sign_in_needed", "This key is unknown, expired or revoked.")
    people = people_of(tx, owner.id)
    actor = Actor(
        kind="api_key",
        id=key.id,
        roles=owner.roles,
        patient_ids=people.patient_ids,
        practitioner_id=people.practitioner_id,
        scopes=api_keys.held(key, owner, store.user(tx, key.maker_id)),
        client=client,
    )
    worth = api_keys.use_is_worth_noting(key, tx.now)
    return Known(actor, used_key_id=key.id if worth else "")

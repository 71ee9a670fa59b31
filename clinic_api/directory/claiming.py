"""A patient takes over the record that the clinic already has: an invitation, then a second fact.

The invitation's token is computed from the keyring, so that nothing secret is stored and a reminder
can rebuild it. Who holds it also has to know the date of birth on file; tries are counted before
they are compared, in a transaction of their own, because a refusal keeps nothing: use
`flows.claim`.
"""

from __future__ import annotations

import hmac
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row

from clinic_api.actor import Actor
from clinic_api.directory import relation_store, store
from clinic_api.directory.mails import mail_claim_invitation
from clinic_api.directory.model import Id, Patient, Secret
from clinic_api.directory.relations import facts_of
from clinic_api.errors import Attempt, Refused
from clinic_api.guarded import guarded, hidden, permit
from clinic_api.transaction import Keys, Transaction

LASTS = timedelta(days=14)
MAX_TRIES = 5
PATH = "/claim#"


class InvitePatient(msgspec.Struct, frozen=True):
    patient_id: Id


class ClaimInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """What staff hand over: by mail, on paper, as a QR code."""

    id: str
    patient_id: str
    path: str  # with the token in the fragment
    url: str
    expires_at: datetime


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """By somebody who is signed in. `birth_date`: the one on file."""

    token: Secret
    birth_date: date


class Claimed(msgspec.Struct, frozen=True):
    patient_id: str


@guarded("patient.invite")
def invite_patient(tx: Transaction, actor: Actor, command: InvitePatient) -> ClaimInvitation:
    """A new invitation; an older one is withdrawn. Raises Refused: not_found, conflict (claimed
    already, merged), invalid (no date of birth to ask for)."""
    patient = store.patient(tx, command.patient_id)
    if patient is None:
        raise hidden(tx, actor, "patient", command.patient_id)
    permit(tx, actor, facts_of(tx, patient.id))
    if patient.has_login or patient.state == "merged":
        raise Refused("conflict", "This record has a login, or was merged into another one.")
    if patient.details.birth_date is None:
        fields = {"birth_date": "Without a date of birth nobody can confirm the invitation."}
        raise Refused("invalid", fields=fields)
    for row in relation_store.open_invitations(tx, patient.id):
        tx.update(relation_store.claim_invitations, actor, row.id, withdrawn_at=tx.now)
    expires_at = tx.now + LASTS
    invitation_id = tx.insert(
        relation_store.claim_invitations,
        actor,
        patient_id=patient.id,
        tries=0,
        expires_at=expires_at,
    )
    mail_claim_invitation(tx, actor, patient, invitation_id, expires_at)
    tx.note(actor, "patient", patient.id, patient_id=patient.id)
    path = PATH + claim_token(tx.keys, invitation_id)
    return ClaimInvitation(
        id=invitation_id,
        patient_id=patient.id,
        path=path,
        url=tx.public_url + path,
        expires_at=expires_at,
    )


@guarded("patient.claim")
def spend_claim(tx: Transaction, actor: Actor, command: Claim) -> None:
    """Count a try before it is compared. Raises Refused: gone, no_tries_left."""
    invitation = _invitation(tx, actor, command.token)
    if invitation.tries >= MAX_TRIES:
        raise Refused("no_tries_left", attempt=_attempt(tx, actor, invitation.id))
    tx.update(
        relation_store.claim_invitations,
        actor,
        invitation.id,
        invitation.version,
        tries=invitation.tries + 1,
    )
    tx.note(actor, "claim_invitation", invitation.id)


@guarded("patient.claim")
def claim_record(tx: Transaction, actor: Actor, command: Claim) -> Claimed:
    """After `spend_claim`. Raises Refused: gone, not_confirmed, conflict (the login has a record:
    staff merge the two)."""
    invitation = _invitation(tx, actor, command.token)
    patient = store.patient(tx, invitation.patient_id)
    if patient is None or patient.has_login or patient.state == "merged":
        raise Refused("gone", attempt=_attempt(tx, actor, invitation.id))
    if patient.details.birth_date != command.birth_date:
        raise Refused("not_confirmed", attempt=_attempt(tx, actor, invitation.id))
    _link_login(tx, actor, patient)
    tx.update(relation_store.claim_invitations, actor, invitation.id, claimed_at=tx.now)
    tx.note(actor, "patient", patient.id, patient_id=patient.id)
    return Claimed(patient.id)


def claim_token(keys: Keys, invitation_id: str) -> str:
    """What the link of an invitation carries in its fragment."""
    return f"{invitation_id}.{keys.token('claim', invitation_id)}"


def _link_login(tx: Transaction, actor: Actor, patient: Patient) -> None:
    if store.patient_of_user(tx, actor.id) is not None:
        raise Refused("conflict", "You have a record here already. Please ask the clinic.")
    tx.update(store.patients, actor, patient.id, user_id=actor.id, state="matched")


def _invitation(tx: Transaction, actor: Actor, token: str) -> Row[Any]:
    """The open invitation of a token. Raises Refused(gone)."""
    invitation_id = token.partition(".")[0]
    row = tx.get(relation_store.claim_invitations, invitation_id)
    if row is None or not hmac.compare_digest(
        claim_token(tx.keys, row.id).encode(), token.encode()
    ):
        raise Refused("gone", attempt=_attempt(tx, actor, ""))
    over = row.claimed_at is not None or row.withdrawn_at is not None
    if over or tx.now >= row.expires_at:
        raise Refused("gone", attempt=_attempt(tx, actor, row.id))
    return row


def _attempt(tx: Transaction, actor: Actor, invitation_id: str) -> Attempt:
    return Attempt(actor.kind, actor.id, tx.action, "claim_invitation", invitation_id, actor.client)

"""Composes messages: for the sender, and for staff who hand one over themselves."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Row

from clinic_api import outbox
from clinic_api.actor import Actor
from clinic_api.auth import store as users
from clinic_api.errors import Refused
from clinic_api.guarded import check, guarded, hidden
from clinic_api.mail.kinds import find
from clinic_api.mail.rendering import Clinic, Invite, Rendered, render
from clinic_api.organisation import store as organisations
from clinic_api.outbox import About, Kind
from clinic_api.outbox_sending import Leased
from clinic_api.outbox_states import UNSENT
from clinic_api.transaction import Transaction
from clinic_api.visits.links import qr

ACCOUNTS_IN_USE = frozenset({"account.reset_password", "account.verify_email"})


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """A mail, and whose it is."""

    clinic: str
    rendered: Rendered
    invite: Invite | None


class ShowMessage(msgspec.Struct, frozen=True):
    """Which message."""

    id: str


class ShownMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message to copy, to print or to show."""

    id: str
    version: int
    recipient: str
    subject: str
    text: str
    link: str  # "" in a message without
    qr: str  # an SVG element of the link; "" without


@guarded("outbox.poll")
def compose(tx: Transaction, actor: Actor, leased: Leased) -> Composed | None:
    """The mail as it stands now; None: it is not wanted any more."""
    del actor
    return _compose(
        tx, leased.kind, leased.language, leased.about, leased.created_at, leased.recipient
    )


@guarded("outbox.show")
def show(tx: Transaction, actor: Actor, command: ShowMessage) -> ShownMessage:
    """An unsent message with its link. Raises Refused: not_found; gone when it does not stand;
    step_up_needed for a link that opens an account which is in use."""
    row = outbox.readable(tx, actor, command.id)
    _check_whose(tx, actor, row.id, outbox.about_of(row))
    if row.kind in ACCOUNTS_IN_USE:
        check("outbox.show_reset", actor, tx)
    composed = _compose_unsent(tx, row)
    if composed is None:
        raise Refused("gone", "This message is not needed any more.")
    tx.note(actor, "message", row.id)
    mail = composed.rendered
    return ShownMessage(
        id=row.id,
        version=row.version,
        recipient=row.recipient,
        subject=mail.subject,
        text=mail.text,
        link=mail.link,
        qr=qr(mail.link) if mail.link else "",
    )


def _check_whose(tx: Transaction, actor: Actor, message_id: str, about: About) -> None:
    """A login may have become staff since the message was made. Raises Refused(not_found)."""
    user = users.user(tx, about.user_id) if about.user_id else None
    if user is not None and user.is_staff and "staff" not in outbox.sees(actor):
        raise hidden(tx, actor, "message", message_id)


def _compose_unsent(tx: Transaction, row: Row[tuple[object, ...]]) -> Composed | None:
    if row.state not in UNSENT or row.expires_at <= tx.now:
        return None
    return _compose(tx, row.kind, row.language, outbox.about_of(row), row.created_at, row.recipient)


def _compose(
    tx: Transaction,
    kind: Kind,
    language: str,
    about: About,
    made_at: datetime,
    recipient: str,
) -> Composed | None:
    wanted = find(tx, kind, about, made_at)
    if wanted is None:
        return None
    if wanted.recipients is not None and recipient not in wanted.recipients:
        return None
    organisation = organisations.organisation(tx)
    clinic = Clinic(
        name=organisation.name, phone=organisation.phone, zone=organisation.time_zone or "UTC"
    )
    return Composed(
        clinic=clinic.name,
        rendered=render(kind, language, clinic, wanted, tx.public_url),
        invite=wanted.invite,
    )

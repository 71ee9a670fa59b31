"""Mails that accounts cause: links to activate and to reset, and word of every change.

Only ids are kept; the link is made when the mail leaves. A login without an e-mail gets none: staff
show a code instead.
"""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.auth.model import User
from clinic_api.outbox import About, Kind, OutboxMessage, enqueue
from clinic_api.transaction import Transaction


def tell_of_change(tx: Transaction, actor: Actor, user: User, what: str) -> None:
    """A password or factor was changed (NIST SP 800-63B-4 4.6). Told where the address is known."""
    if user.email_verified:
        _send(tx, actor, user, "account.factor_changed", what)


def send_link(tx: Transaction, actor: Actor, user: User, kind: Kind) -> None:
    """A link to activate the login or to choose a new password, to the address on file."""
    _send(tx, actor, user, kind, "")


def _send(tx: Transaction, actor: Actor, user: User, kind: Kind, code: str) -> None:
    if user.email is None:
        return
    microseconds = int(tx.now.timestamp() * 1_000_000)
    enqueue(
        tx,
        actor,
        OutboxMessage(
            kind=kind,
            audience="staff" if user.is_staff else "patient",
            dedupe_key=f"{kind}:{user.id}:{code}:{microseconds}",
            recipient=user.email,
            about=About(user_id=user.id, code=code),
            language=user.language,
        ),
    )

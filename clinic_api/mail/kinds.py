"""Each kind of message: whether it still stands when it leaves, and what its link is then.

A kind's function gets the ids that the feature enqueued, reads what is true now, and makes the link
anew from the keyring. None: it does not stand any more (ended, withdrawn, done already), and it is
not sent. Texts are in `texts.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from clinic_api.mail.rendering import Wanted
from clinic_api.outbox import About, Kind
from clinic_api.transaction import Transaction
from clinic_api.visits import links
from clinic_api.visits import store as visits
from clinic_api.visits.visit import OPEN

Find = Callable[[Transaction, About], Wanted | None]


def find(tx: Transaction, kind: Kind, about: About) -> Wanted | None:
    """What a message of this kind has to say now."""
    return KINDS[kind](tx, about)


def _join_link(tx: Transaction, about: About) -> Wanted | None:
    """While the visit is open and the seat is not withdrawn: the link of now."""
    seat = visits.participant(tx, about.participant_id)
    if seat is None or seat.revoked_at is not None:
        return None
    visit = visits.visit(tx, seat.visit_id)
    if visit is None or visit.state not in OPEN or visit.expires_at <= tx.now:
        return None
    token = links.token_of(tx.keys, seat.id, seat.generation)
    begins_at = visit.opens_at if visit.opens_at > tx.now else None
    return Wanted(path=links.PATH + token, at=begins_at)


KINDS: dict[Kind, Find] = {
    "visit.invitation": _join_link,
    "visit.link_recovery": _join_link,
}

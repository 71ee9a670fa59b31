"""From a code that was read out by phone to the link that it stands for."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.errors import Attempt, Refused
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction
from clinic_api.visits import links, store
from clinic_api.visits.seats import link_of


class ByCode(msgspec.Struct, frozen=True):
    code: Annotated[str, Meta(max_length=40)]


class LinkPath(msgspec.Struct, frozen=True):
    path: str  # with the token in the fragment


@guarded("visit.open_link")
def link_by_code(tx: Transaction, actor: Actor, command: ByCode) -> LinkPath:
    """Consumes nothing; what the link opens, its own page says. Raises Refused(link_unknown).

    38 bits, so callers limit how often an address may ask.
    """
    seat = store.participant_by_code(tx, links.tidy_code(command.code))
    if seat is None:
        raise Refused(
            "link_unknown",
            "No visit has this code. Please look at it once more, or call the clinic.",
            attempt=Attempt(actor.kind, actor.id, tx.action, client=actor.client),
        )
    return LinkPath(link_of(tx, seat).path)

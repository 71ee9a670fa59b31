"""Joins the call page to the join links of the clinic: what one opens, and the tap."""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.errors import KINDS, Refused
from clinic_api.visits.flows import enter
from clinic_api.visits.joining import CODES, Enter, OpenLink, open_link
from web.exchange import ExchangeRefused, Invitation, JoinTicket, Tap


class ClinicJoinDesk:
    """The `JoinDesk` of `web.exchange`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, secret: str, client: str) -> Invitation:
        """Consumes nothing. Raises ExchangeRefused (link_*, visit_ended, visit_cancelled)."""
        stranger = Actor(kind="stranger", client=client)
        try:
            seen = await self._database.read(
                lambda tx: open_link(tx, stranger, OpenLink(token=secret))
            )
        except Refused as refused:
            raise _translated(refused) from None
        if seen.state != "open":
            code = CODES[seen.state]
            raise ExchangeRefused(code, seen.message, KINDS[code].status)
        return Invitation(seen.name, seen.clinic, seen.practitioner, seen.in_use)

    async def enter(self, tap: Tap) -> JoinTicket:
        """Raises ExchangeRefused (also confirm_needed, not_confirmed, no_tries_left …)."""
        stranger = Actor(kind="stranger", client=tap.client)
        command = Enter(
            token=tap.secret,
            device=tap.device,
            birth_date=tap.birth_date,
            confirmation=tap.confirmation,
        )
        try:
            entered = await enter(self._database, stranger, command)
        except Refused as refused:
            raise _translated(refused) from None
        if entered.missing:
            raise _translated(Refused("consent_needed"))
        return JoinTicket(entered.call_token, entered.name, entered.role, entered.device)


def _translated(refused: Refused) -> ExchangeRefused:
    return ExchangeRefused(refused.code, refused.message, refused.status)

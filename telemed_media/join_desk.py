"""Joins the call page to the join links of the clinic: what one opens, and the tap."""

from __future__ import annotations

import msgspec

from clinic_api.actor import STRANGER, Actor
from clinic_api.db import Database
from clinic_api.errors import KINDS, Refused
from clinic_api.organisation.model import Organisation, ReadOrganisation
from clinic_api.organisation.service import read_organisation
from clinic_api.visits.consenting import (
    AnswerConsent,
    ConsentsOf,
    answer_consent,
    read_consents,
)
from clinic_api.visits.flows import enter
from clinic_api.visits.joining import CODES, Enter, Entered, OpenLink, open_link
from web.exchange import (
    Agreement,
    ConsentNeeded,
    ExchangeRefused,
    Invitation,
    JoinTicket,
    Tap,
    Text,
)


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
            raise await self._told(refused) from None
        if seen.state != "open":
            code = CODES[seen.state]
            raise ExchangeRefused(code, seen.message, KINDS[code].status, seen.phone)
        return Invitation(
            name=seen.name,
            clinic=seen.clinic,
            phone=seen.phone,
            practitioner=seen.practitioner,
            in_use=seen.in_use,
            only_sound=seen.only_sound,
        )

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
            raise await self._told(refused) from None
        if entered.missing:
            entered = await self._with_consent(command, entered, tap.agrees)
        return JoinTicket(entered.call_token, entered.name, entered.role, entered.device)

    async def _with_consent(
        self, command: Enter, entered: Entered, agrees: tuple[Agreement, ...]
    ) -> Entered:
        """The seat once more, after its holder agreed. Raises ConsentNeeded, ExchangeRefused."""
        holder = Actor(kind="participant", id=entered.participant_id, visit_id=entered.visit_id)
        again = msgspec.structs.replace(
            command, device=entered.device, birth_date=None, confirmation=""
        )
        try:
            for one in agrees:
                await self._answer(holder, one)
            done = await enter(self._database, Actor(kind="stranger"), again)
            if not done.missing:
                return done
            if "consent" not in done.missing:
                raise ConsentNeeded(await self._told(Refused("intake_needed")), (), done.device)
            asked = await self._database.read(
                lambda tx: read_consents(tx, holder, ConsentsOf(entered.visit_id))
            )
        except Refused as refused:
            raise await self._told(refused) from None
        texts = tuple(Text(one.id, one.sha256, one.text) for one in asked.open)
        refusal = await self._told(Refused("consent_needed"))
        raise ConsentNeeded(refusal, texts, entered.device)

    async def _answer(self, holder: Actor, agreement: Agreement) -> None:
        command = AnswerConsent(
            visit_id=holder.visit_id or "",
            text_id=agreement.text_id,
            sha256=agreement.sha256,
            answer="give",
        )
        await self._database.write(lambda tx: answer_consent(tx, holder, command))

    async def _told(self, refused: Refused) -> ExchangeRefused:
        """The same with the clinic's phone number as the way out."""
        clinic: Organisation = await self._database.read(
            lambda tx: read_organisation(tx, STRANGER, ReadOrganisation())
        )
        return ExchangeRefused(refused.code, refused.message, refused.status, clinic.phone)

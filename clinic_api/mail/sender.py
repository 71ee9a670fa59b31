"""Sends what is due: lease, compose anew, hand in, settle; one message at a time.

Without a mail server nothing is leased: due messages get the reason `no_mail_server`, which staff
see. A failed connection ends the round, so that a server that is down costs one try, not one per
message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage

import msgspec
import structlog

from clinic_api import outbox_sending as outbox
from clinic_api.actor import system
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.mail.address import BadAddress
from clinic_api.mail.message import build
from clinic_api.mail.service import Composed, compose
from clinic_api.mail.smtp import SendFailed, Smtp
from clinic_api.outbox_sending import Leased, Outcome
from clinic_api.outbox_states import pause_s

SENDER = system("outbox")
REST_S = 15.0  # after a failed connection


class Sender:
    """Runs in the jobs process; several at once never send one message twice."""

    def __init__(
        self,
        database: Database,
        smtp: Smtp | None,
        mail_from: str,
        chance: Callable[[], float],
        stop: asyncio.Event,
    ) -> None:
        """`chance` gives numbers in [0, 1), for the pauses between tries; after `stop` no further
        message is begun."""
        self._database = database
        self._smtp = smtp
        self._mail_from = mail_from
        self._chance = chance
        self._stop = stop
        self._rests_until: datetime | None = None

    async def run(self) -> datetime | None:
        """One round; when the next is needed, None: when something is added."""
        asked = outbox.next_sending_at if self._smtp else outbox.next_explaining_at
        due_at = await self._database.read(lambda tx: asked(tx, SENDER))
        now = self._database.now()
        if due_at is None or due_at > now:
            return due_at
        await self._database.write(lambda tx: outbox.sweep(tx, SENDER))
        if self._smtp is None:
            await self._database.write(lambda tx: outbox.explain_waiting(tx, SENDER))
        elif self._rests_until is None or now >= self._rests_until:
            await self._send_all(self._smtp)
        return self._rests_until

    async def _send_all(self, smtp: Smtp) -> None:
        self._rests_until = None
        try:
            while self._rests_until is None and not self._stop.is_set():
                leased = await self._database.write(lambda tx: outbox.lease(tx, SENDER))
                if leased is None:
                    return
                await self._settle(await self._send(smtp, leased))
        finally:
            await smtp.close()

    async def _send(self, smtp: Smtp, leased: Leased) -> Outcome:
        composed = await self._database.read(lambda tx: compose(tx, SENDER, leased))
        done = Outcome(id=leased.id, version=leased.version, event="accept")
        if composed is None:
            return msgspec.structs.replace(done, event="withdraw", reason="not_wanted_any_more")
        try:
            await smtp.send(self._message(leased, composed))
        except BadAddress:
            return msgspec.structs.replace(done, event="give_up", reason="bad_address")
        except SendFailed as failed:
            return self._failed(done, failed, leased.attempts)
        return done

    def _message(self, leased: Leased, composed: Composed) -> EmailMessage:
        return build(
            composed.rendered,
            recipient=leased.recipient,
            sender=self._mail_from,
            clinic=composed.clinic,
            message_id=leased.id,
            at=self._database.now(),
            invite=composed.invite,
        )

    def _failed(self, outcome: Outcome, failed: SendFailed, attempts: int) -> Outcome:
        now = self._database.now()
        if failed.connection:
            self._rests_until = now + timedelta(seconds=REST_S)
        pause = None if failed.final else pause_s(attempts, self._chance())
        structlog.get_logger().warning("mail_not_sent", reason=failed.reason, attempt=attempts)
        if pause is None:
            return msgspec.structs.replace(outcome, event="give_up", reason=failed.reason)
        retry_at = now + timedelta(seconds=pause)
        return msgspec.structs.replace(
            outcome, event="fail", reason=failed.reason, retry_at=retry_at
        )

    async def _settle(self, outcome: Outcome) -> None:
        try:
            await self._database.write(lambda tx: outbox.settle(tx, SENDER, outcome))
        except Refused as refused:  # withdrawn or leased by another sender meanwhile
            structlog.get_logger().warning("mail_lease_lost", code=refused.code)

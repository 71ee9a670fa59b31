"""A clinic with Bob, its first doctor and administrator, and people who sign in to it.

A `Browser` keeps the session's token as the cookie would, and an app for the codes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pyotp

from clinic_api.actor import Actor
from clinic_api.audit import store as audit
from clinic_api.auth import flows
from clinic_api.auth.authentication import authenticator
from clinic_api.auth.factors import BeginFactor, ConfirmFactor
from clinic_api.auth.service import ShowCode, SignedIn
from clinic_api.auth.users import CreateUser, OneUser, create_user, issue_activation_code
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from clinic_api.http.authentication import Credentials
from clinic_api.http.route import WithSession
from clinic_api.journeys.set_up import SetUp, set_up
from clinic_api.organisation.service import setup_token
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock

R = TypeVar("R")
HOME = "192.0.2.7"
BOBS_PASSWORD = "tall ships leave at dawn"
CAROLS_PASSWORD = "lighthouse keeper 7"
ALICES_PASSWORD = "seven green apples on a table"


def nobody(tx: Transaction, token: str, client: str) -> Actor | None:
    """No participants in these tests."""
    return None


class Browser:
    """One person's browser and phone."""

    def __init__(self, database: Database, clock: Clock, client: str = HOME) -> None:
        self.database, self.clock, self.client = database, clock, client
        self.authenticate = authenticator(database, of_user, nobody)
        self.token: str | None = None
        self.secret = ""
        self.recovery_codes: tuple[str, ...] = ()

    async def actor(self, *, user_input: bool = True) -> Actor:
        """Who the server takes us for."""
        shown = Credentials(session=self.token, client=self.client, user_input=user_input)
        return await self.authenticate(shown)

    async def does(self, service: Callable[..., R], command: object) -> R:
        """A guarded service as whoever we are now."""
        self.clock.advance(0.01)  # rows sort by time
        actor = await self.actor()
        return await self.database.write(lambda tx: service(tx, actor, command))

    async def runs(self, flow: Callable[..., Awaitable[R]], command: object) -> R:
        """A flow as whoever we are now; its session's token is kept."""
        result = await flow(self.database, await self.actor(), command)
        if isinstance(result, WithSession):
            self.token = result.token
        return result

    async def signs_in(self, login: str, password: str) -> SignedIn:
        command = flows.SignIn(login=login, password=password, device="computer")
        return (await self.runs(flows.sign_in, command)).result

    async def shows(self, code: str) -> SignedIn:
        return (await self.runs(flows.show_second_factor, ShowCode(code))).result

    async def enrols(self, password: str = "") -> None:
        """Sets up the authenticator app; a patient's first one by the password."""
        made = await self.runs(flows.begin_enrolment, BeginFactor(password))
        self.secret = made.secret
        done = await self.runs(flows.confirm_enrolment, ConfirmFactor(self.code()))
        self.recovery_codes = done.result.recovery_codes

    async def steps_up(self) -> None:
        await self.runs(flows.step_up, ShowCode(self.code()))

    def code(self) -> str:
        """The app's next code; one is never shown twice, so time goes on."""
        self.clock.advance(30)
        return pyotp.TOTP(self.secret).at(int(self.clock.now_s))


def asked(database: Database, org_id: str) -> SetUp:
    """What is filled in on the page of the set-up link."""
    return SetUp(
        token=setup_token(database.keys, org_id),
        name="Harbour Clinic",
        country="GB",
        currency="GBP",
        time_zone="Europe/London",
        phone="020 7946 0000",
        login="bob@clinic.example",
        display_name="Dr. Bob",
        password=BOBS_PASSWORD,
    )


async def org_id_of(database: Database) -> str:
    return await database.read(lambda tx: tx.org_id)


async def bob_at_work(database: Database, clock: Clock) -> Browser:
    """Bob has set the clinic up and his app too."""
    bob = Browser(database, clock)
    await bob.runs(set_up, asked(database, await org_id_of(database)))
    await bob.enrols()
    return bob


async def carol_at_the_desk(bob: Browser, *, login: str = "carol") -> Browser:
    """Bob invites Carol, who has no e-mail address, and shows her the code."""
    await bob.steps_up()
    new = CreateUser(login=login, display_name="Carol", roles=frozenset({"desk"}))
    carol = Browser(bob.database, bob.clock, "192.0.2.8")
    made = await bob.does(create_user, new)
    code = await bob.does(issue_activation_code, OneUser(made.id))
    await carol.runs(
        flows.activate_by_code,
        flows.ActivateByCode(login=login, code=code.code, password=CAROLS_PASSWORD),
    )
    await carol.enrols()
    return carol


async def user_id_of(browser: Browser) -> str:
    return (await browser.actor()).id


async def audited(database: Database) -> list[tuple[str, str, str]]:
    """(action, outcome, object's id) of every row, oldest first."""
    table = audit.AUDIT

    def rows(tx: Transaction) -> list[tuple[str, str, str]]:
        found = tx.sql.execute(table.select().order_by(table.c.seq))
        return [(row.action, row.outcome, row.object_id) for row in found]

    return await database.read(rows)

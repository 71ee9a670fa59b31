"""The first run: the one-time link makes the organisation ready and its first doctor.

The doctor is an administrator too, and has to set up an authenticator app before anything else.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor, system
from clinic_api.auth import entry, hashing, passwords
from clinic_api.auth.model import Device, LoginText, NameText, PasswordText, TokenText
from clinic_api.auth.new_login import LanguageTag, NewLogin, check_new, every_field
from clinic_api.auth.service import Opened, SignedIn
from clinic_api.db import Database
from clinic_api.directory.service import CreatePractitioner, create_practitioner
from clinic_api.guarded import guarded
from clinic_api.http.route import Route, WithSession, flow
from clinic_api.organisation.model import Profile
from clinic_api.organisation.profile import checked
from clinic_api.organisation.service import check_setup_token, make_ready
from clinic_api.transaction import Transaction

_CONSOLE = system("set_up")


class SetUp(msgspec.Struct, frozen=True, kw_only=True):
    """The link's token, the organisation, its first doctor."""

    token: TokenText
    name: NameText  # of the organisation
    country: str  # ISO 3166-1 alpha-2
    currency: str  # ISO 4217
    time_zone: str  # IANA
    phone: str
    login: LoginText  # e-mail address, telephone number or user name
    display_name: NameText
    password: PasswordText
    language: LanguageTag = "en"
    device: Device = "unknown"


class FinishSetUp(msgspec.Struct, frozen=True):
    """The same with the slow hash."""

    asked: SetUp
    password_hash: str


@flow("organisation.set_up")
async def set_up(database: Database, actor: Actor, command: SetUp) -> WithSession[SignedIn]:
    """Set the clinic up, once. Raises Refused: already_set_up, gone, invalid."""
    await database.read(lambda tx: check_set_up(tx, actor, command))
    password_hash = await hashing.hashed(database.keys, command.password)
    finish = FinishSetUp(command, password_hash)
    opened = await database.write(lambda tx: finish_set_up(tx, actor, finish))
    return WithSession(opened.signed_in, opened.token)


@guarded("organisation.check_set_up")
def check_set_up(tx: Transaction, actor: Actor, command: SetUp) -> None:
    """Before the slow part. Raises Refused: already_set_up, gone, invalid with every field."""
    del actor
    check_setup_token(tx, command.token)
    every_field(
        lambda: checked(_profile(command)),
        lambda: check_new(_login(command)),
        lambda: passwords.check(
            command.password,
            with_factor=True,
            known=(command.name, command.login, command.display_name),
        ),
    )


@guarded("organisation.set_up")
def finish_set_up(tx: Transaction, actor: Actor, command: FinishSetUp) -> Opened:
    """All of it in one transaction. Raises Refused: already_set_up, gone, invalid."""
    asked = command.asked
    check_setup_token(tx, asked.token)
    make_ready(tx, actor, _profile(asked))
    first = entry.FirstLogin(
        asked=_login(asked),
        roles=frozenset({"admin", "doctor"}),
        password_hash=command.password_hash,
        device=asked.device,
    )
    opened = entry.add_active(tx, actor, first)
    doctor = CreatePractitioner(
        name=asked.display_name,
        languages=(asked.language,),
        user_id=opened.signed_in.user.id,
    )
    create_practitioner(tx, _CONSOLE, doctor)
    return opened


def _profile(asked: SetUp) -> Profile:
    return Profile(**{name: getattr(asked, name) for name in Profile.__struct_fields__})


def _login(asked: SetUp) -> NewLogin:
    return NewLogin(login=asked.login, display_name=asked.display_name, language=asked.language)


ROUTES: tuple[Route, ...] = (Route("POST", "/set-up", set_up, SetUp, SignedIn, status=201),)

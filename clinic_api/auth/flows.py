"""Sign-in and passwords: a transaction, slow hashing on its own threads, a transaction.

The answer to a wrong name takes as long as to a wrong password, because a hash is always computed.
Each result that opens or closes a session says so by `WithSession`.
"""

from __future__ import annotations

import asyncio
import io

import msgspec
import segno

from clinic_api.actor import Actor
from clinic_api.auth import account, email, entry, factors, hashing, service
from clinic_api.auth.account import Account
from clinic_api.auth.email import ChangeEmail
from clinic_api.auth.entry import ByCode, ByLink, Proof
from clinic_api.auth.model import CodeText, Device, LoginText, PasswordText, TokenText, UserResult
from clinic_api.auth.service import Nothing, Opened, ShowCode, SignedIn
from clinic_api.db import Database
from clinic_api.http.route import WithSession, flow


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """Name and password; `device` is only for the list of sessions."""

    login: LoginText
    password: PasswordText
    device: Device = "unknown"


class ActivateByLink(msgspec.Struct, frozen=True, kw_only=True):
    """The token of the link, and the first password."""

    token: TokenText
    password: PasswordText
    device: Device = "unknown"


class ActivateByCode(msgspec.Struct, frozen=True, kw_only=True):
    """The code from the desk, and the first password."""

    login: LoginText
    code: CodeText
    password: PasswordText
    device: Device = "unknown"


class ResetPassword(msgspec.Struct, frozen=True, kw_only=True):
    """The token of the link, and the new password."""

    token: TokenText
    password: PasswordText


class ResetByCode(msgspec.Struct, frozen=True, kw_only=True):
    """The code from the desk, and the new password."""

    login: LoginText
    code: CodeText
    password: PasswordText


class ChangePassword(msgspec.Struct, frozen=True, kw_only=True):
    """The present password, and the new one."""

    present: PasswordText
    password: PasswordText


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator app has to know: to scan, to tap, to type."""

    secret: str  # base32
    uri: str  # otpauth://
    qr_svg: str  # a whole SVG element


class EnrolledFactor(msgspec.Struct, frozen=True, kw_only=True):
    """The session that counts, and the codes to write down, shown once."""

    signed_in: SignedIn
    recovery_codes: tuple[str, ...]


@flow("account.sign_in")
async def sign_in(database: Database, actor: Actor, command: SignIn) -> WithSession[SignedIn]:
    """Sign in by name and password. Raises Refused: bad_credentials, too_many_requests."""
    asked = await database.write(lambda tx: service.begin_sign_in(tx, actor, command.login))
    right = await hashing.matches(database.keys, asked.password_hash, command.password)
    outdated = right and hashing.is_outdated(asked.password_hash)
    finish = service.FinishSignIn(
        login=command.login,
        asked=asked,
        right=right,
        device=command.device,
        renewed=await hashing.hashed(database.keys, command.password) if outdated else None,
    )
    return _with(await database.write(lambda tx: service.finish_sign_in(tx, actor, finish)))


@flow("account.show_second_factor")
async def show_second_factor(
    database: Database, actor: Actor, command: ShowCode
) -> WithSession[SignedIn]:
    """The second step: the app's code or a recovery code. Raises Refused(bad_code)."""
    await database.write(lambda tx: service.begin_code(tx, actor))
    return _with(await database.write(lambda tx: service.finish_second_factor(tx, actor, command)))


@flow("account.step_up")
async def step_up(database: Database, actor: Actor, command: ShowCode) -> Account:
    """Show the second factor once more, for what needs it fresh. Raises Refused(bad_code)."""
    await database.write(lambda tx: service.begin_code(tx, actor))
    return await database.write(lambda tx: account.finish_step_up(tx, actor, command))


@flow("account.sign_out")
async def sign_out(database: Database, actor: Actor, command: Nothing) -> WithSession[None]:
    """End this session."""
    del command
    await database.write(lambda tx: account.end_own_session(tx, actor))
    return WithSession(None, None)


@flow("account.activate")
async def activate_by_link(
    database: Database, actor: Actor, command: ActivateByLink
) -> WithSession[SignedIn]:
    """Activate a login by the link of its mail. Raises Refused: gone, invalid."""
    proof = ByLink(token=command.token)
    return await _activate(database, actor, proof, command.password, command.device)


@flow("account.activate")
async def activate_by_code(
    database: Database, actor: Actor, command: ActivateByCode
) -> WithSession[SignedIn]:
    """Activate a login by the code from the desk. Raises: bad_code, invalid, too_many_requests."""
    await database.write(lambda tx: entry.count_code(tx, actor, command.login))
    proof = ByCode(login=command.login, code=command.code)
    return await _activate(database, actor, proof, command.password, command.device)


async def _activate(
    database: Database, actor: Actor, proof: Proof, password: str, device: Device
) -> WithSession[SignedIn]:
    entrant = await database.read(lambda tx: entry.begin_activation(tx, actor, proof))
    entry.check_password(entrant, password)
    password_hash = await hashing.hashed(database.keys, password)
    finish = entry.SetPassword(proof=proof, password_hash=password_hash, device=device)
    return _with(await database.write(lambda tx: entry.finish_activation(tx, actor, finish)))


@flow("account.reset")
async def reset_password(database: Database, actor: Actor, command: ResetPassword) -> None:
    """A new password by the link of a mail; then sign in. Raises Refused: gone, invalid."""
    await _reset(database, actor, ByLink(token=command.token), command.password)


@flow("account.reset")
async def reset_by_code(database: Database, actor: Actor, command: ResetByCode) -> None:
    """A new password by the code from the desk; then sign in.

    Raises Refused: bad_code, invalid, too_many_requests.
    """
    await database.write(lambda tx: entry.count_code(tx, actor, command.login))
    proof = ByCode(login=command.login, code=command.code)
    await _reset(database, actor, proof, command.password)


async def _reset(database: Database, actor: Actor, proof: Proof, password: str) -> None:
    entrant = await database.read(lambda tx: entry.begin_reset(tx, actor, proof))
    entry.check_password(entrant, password)
    password_hash = await hashing.hashed(database.keys, password)
    finish = entry.SetPassword(proof=proof, password_hash=password_hash)
    await database.write(lambda tx: entry.finish_reset(tx, actor, finish))


@flow("account.change")
async def change_password(database: Database, actor: Actor, command: ChangePassword) -> None:
    """A new password; other sessions end. Raises Refused: bad_credentials, invalid."""
    asked, entrant = await database.write(lambda tx: entry.begin_change(tx, actor))
    right = await hashing.matches(database.keys, asked.password_hash, command.present)
    if right:
        entry.check_password(entrant, command.password)
    password_hash = await hashing.hashed(database.keys, command.password)
    finish = entry.ReplacePassword(asked=asked, right=right, password_hash=password_hash)
    await database.write(lambda tx: entry.finish_change(tx, actor, finish))


@flow("account.change")
async def change_email(database: Database, actor: Actor, command: ChangeEmail) -> UserResult:
    """A new e-mail address, which counts once it is verified.

    Raises Refused: bad_credentials, invalid, too_many_requests; step_up_needed with an app.
    """
    asked = await database.write(lambda tx: email.begin_change(tx, actor))
    right = asked is not None and await hashing.matches(
        database.keys, asked.password_hash, command.present
    )
    finish = email.ConfirmedEmail(email=command.email, asked=asked, right=right)
    return await database.write(lambda tx: email.finish_change(tx, actor, finish))


@flow("account.enrol_factor")
async def begin_enrolment(
    database: Database, actor: Actor, command: factors.BeginFactor
) -> Enrolment:
    """A new secret for an authenticator app.

    Raises Refused: bad_credentials, too_many_requests for a patient's first one; step_up_needed for
    another one.
    """
    asked = await database.write(lambda tx: factors.ask_password(tx, actor))
    right = asked is not None and await hashing.matches(
        database.keys, asked.password_hash, command.present
    )
    confirmed = factors.BeginConfirmed(asked=asked, right=right)
    made = await database.write(lambda tx: factors.begin_enrolment(tx, actor, confirmed))
    picture = await asyncio.to_thread(qr_svg, made.uri)
    return Enrolment(secret=made.secret, uri=made.uri, qr_svg=picture)


@flow("account.enrol_factor")
async def confirm_enrolment(
    database: Database, actor: Actor, command: factors.ConfirmFactor
) -> WithSession[EnrolledFactor]:
    """The app's first code: from now on it is needed. Raises Refused(bad_code)."""
    done = await database.write(lambda tx: factors.confirm_enrolment(tx, actor, command))
    result = EnrolledFactor(signed_in=done.opened.signed_in, recovery_codes=done.recovery_codes)
    return WithSession(result, done.opened.token)


def qr_svg(text: str) -> str:
    """A QR code as an SVG element, black on white also in dark mode."""
    written = io.BytesIO()
    segno.make(text, error="m").save(
        written, kind="svg", light="#fff", xmldecl=False, omitsize=True
    )
    return written.getvalue().decode()


def _with(opened: Opened) -> WithSession[SignedIn]:
    return WithSession(opened.signed_in, opened.token)

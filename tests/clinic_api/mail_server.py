"""A real mail server on a loopback port, with what it was told to refuse."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Literal

import msgspec
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from certs.issuing import issue_server, make_authority

NAME, PASSWORD = "clinic", "p@ss:w/rd"
Tls = Literal["starttls", "implicit", "no"]


class Mailbox:
    """Keeps what it accepts; `refusals` are answered to the next messages instead."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.recipient_refusals: list[str] = []  # SMTP replies to RCPT
        self.refusals: list[str] = []  # SMTP replies to DATA
        self.over_tls: list[bool] = []
        self.greetings: list[str] = []
        self.stalls: asyncio.Event | None = None  # DATA is answered when it is set

    @property
    def messages(self) -> list[EmailMessage]:
        """What was accepted, parsed."""
        raw = [each.content for each in self.envelopes if isinstance(each.content, bytes)]
        return [message_from_bytes(each, EmailMessage, policy=default) for each in raw]

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, name: str, lines: list[str]
    ) -> list[str]:
        session.host_name = name
        self.greetings.append(name)
        return lines

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_refusals:
            return self.recipient_refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        self.envelopes.append(envelope)
        transport = server.transport
        assert transport is not None
        self.over_tls.append(transport.get_extra_info("sslcontext") is not None)
        if self.stalls is not None:
            await self.stalls.wait()
        return "250 OK"


class Running(msgspec.Struct, frozen=True):
    """A server that runs."""

    box: Mailbox
    port: int
    trust: ssl.SSLContext  # of a client that knows its authority
    authority: Path  # in PEM


@asynccontextmanager
async def running(
    folder: Path, tls: Tls = "starttls", *, name: str = "localhost"
) -> AsyncIterator[Running]:
    """Serve on 127.0.0.1 until the block ends; the certificate is good for `name`."""
    context, authority = _certificate(folder, name)
    box = Mailbox()
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            box,
            loop=loop,
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            auth_required=tls == "starttls",
            auth_require_tls=tls == "starttls",
            authenticator=_check,
        )

    serving = await loop.create_server(
        protocol, "127.0.0.1", 0, ssl=context if tls == "implicit" else None
    )
    try:
        port = serving.sockets[0].getsockname()[1]
        yield Running(box, port, ssl.create_default_context(cafile=authority), authority)
    finally:
        if box.stalls is not None:
            box.stalls.set()
        serving.close()


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    authority = make_authority(time.time())
    leaf = issue_server(authority, [name], time.time())
    (folder / "mail-ca.pem").write_bytes(authority.certificate_pem())
    (folder / "mail.pem").write_bytes(leaf.certificate_pem() + leaf.key_pem())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "mail.pem")
    return context, folder / "mail-ca.pem"


def _check(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: object
) -> AuthResult:
    assert isinstance(login, LoginPassword)
    right = login.login == NAME.encode() and login.password == PASSWORD.encode()
    return AuthResult(success=right, handled=False)

"""Handing mail in: one connection that is kept while there is something to send.

Without STARTTLS nothing goes out unless the setting says so, and the server's certificate has to
be good for its name. A failure says whether this message can ever succeed, and whether the
connection is at fault, so that the others need not try.
"""

from __future__ import annotations

import asyncio
import ssl
from email.message import EmailMessage

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from clinic_api.mail.server import MailServer

REPLY_TIMEOUT_S = 20.0  # for one reply; RFC 5321 4.5.3.2 allows minutes, but people wait
MESSAGE_TIMEOUT_S = 90.0  # for all of one message; shorter than its lease
GOODBYE_TIMEOUT_S = 1.0


class SendFailed(Exception):
    """`reason` is a code; `final`: this message can never go; `connection`: nor can others now."""

    def __init__(self, reason: str, *, final: bool = False, connection: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        self.connection = connection


class Smtp:
    """A mail server. Connects on the first `send`; `close` when nothing is left to send."""

    def __init__(self, server: MailServer, own_name: str, trust: ssl.SSLContext) -> None:
        """`own_name` is how this machine calls itself in EHLO."""
        self._server = server
        self._own_name = own_name
        self._trust = trust
        self._open: SMTP | None = None

    async def send(self, message: EmailMessage) -> None:
        """Returns when the server has taken responsibility for it. Raises SendFailed."""
        try:
            async with asyncio.timeout(MESSAGE_TIMEOUT_S):
                connection = self._open or await self._connect()
                self._open = connection
                await _hand_in(connection, message)
        except TimeoutError:
            self._drop()
            raise SendFailed("no_answer", connection=True) from None
        except BaseException as failure:
            if not isinstance(failure, SendFailed) or failure.connection:
                self._drop()
            raise

    async def close(self) -> None:
        """Say goodbye, if there is a connection. Idempotent."""
        connection, self._open = self._open, None
        if connection is None:
            return
        try:
            await connection.quit(timeout=GOODBYE_TIMEOUT_S)
        except (SMTPException, OSError):
            connection.close()

    def _drop(self) -> None:
        connection, self._open = self._open, None
        if connection is not None:
            connection.close()

    async def _connect(self) -> SMTP:
        given = self._server
        connection = SMTP(
            hostname=given.host,
            port=given.port,
            username=given.user or None,
            password=given.password or None,
            local_hostname=self._own_name,
            timeout=REPLY_TIMEOUT_S,
            use_tls=given.tls == "implicit",
            start_tls=given.tls == "starttls",
            tls_context=self._trust,
        )
        try:
            await connection.connect()
        except (SMTPException, OSError, ValueError) as failure:
            raise SendFailed(_why_no_connection(failure), connection=True) from failure
        return connection


async def _hand_in(connection: SMTP, message: EmailMessage) -> None:
    try:
        await connection.send_message(message)
    except SMTPRecipientsRefused as refused:
        raise _refused("recipient", refused.recipients[0]) from refused
    except SMTPRecipientRefused as refused:
        raise _refused("recipient", refused) from refused
    except SMTPSenderRefused as refused:
        raise SendFailed("sender_refused", connection=True) from refused
    except SMTPNotSupported as refused:
        raise SendFailed("address_not_supported", final=True) from refused
    except SMTPServerDisconnected as lost:
        raise SendFailed("connection_lost", connection=True) from lost
    except SMTPResponseException as refused:
        raise _refused("message", refused) from refused
    except (SMTPException, OSError) as lost:
        raise SendFailed("connection_lost", connection=True) from lost


def _refused(what: str, reply: SMTPResponseException) -> SendFailed:
    """RFC 5321 4.2.1: 4yz may succeed later, 5yz will not."""
    if reply.code == 421:  # the server closes the connection
        return SendFailed("server_busy", connection=True)
    final = 500 <= reply.code < 600
    return SendFailed(f"{what}_refused" if final else f"{what}_deferred", final=final)


def _why_no_connection(failure: Exception) -> str:
    causes = [failure, failure.__cause__, failure.__context__]
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        return "certificate_refused"
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return "tls_failed"
    if isinstance(failure, SMTPAuthenticationError):
        return "sign_in_refused"
    if isinstance(failure, SMTPException) and "STARTTLS" in str(failure):
        return "no_starttls"
    return "unreachable"

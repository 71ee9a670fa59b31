"""The mail server's address, as the setting SMTP_URL writes it.

    smtp://name:password@mail.clinic.example:587     STARTTLS, or nothing is sent
    smtps://name:password@mail.clinic.example:465    TLS from the first byte (RFC 8314)
    smtp://localhost:25?tls=no                       in the clear, for a relay on this machine

Name and password are percent-encoded where they hold `:`, `/`, `@` or `%`.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import msgspec

Tls = Literal["starttls", "implicit", "no"]
PORTS: dict[Tls, int] = {"starttls": 587, "implicit": 465, "no": 25}  # RFC 6409, 8314, 5321


class BadSmtpUrl(ValueError):
    """Says in words what is wrong; never quotes the URL, which may hold a password."""


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed in, and how."""

    host: str
    port: int
    tls: Tls
    user: str = ""
    password: str = ""


def parse_smtp_url(url: str) -> MailServer:
    """Raises BadSmtpUrl."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadSmtpUrl("it must look like smtp://mail.clinic.example:587") from None
    tls = _tls(parts)
    if not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise BadSmtpUrl("it must look like smtp://mail.clinic.example:587")
    if (parts.username is None) != (parts.password is None):
        raise BadSmtpUrl("a name and a password are needed together")
    if tls == "no" and parts.username:
        raise BadSmtpUrl("a password must not travel in the clear: leave `tls=no` out")
    return MailServer(
        host=parts.hostname,
        port=port or PORTS[tls],
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _tls(parts: SplitResult) -> Tls:
    query = parse_qs(parts.query, keep_blank_values=True)
    wanted = query.pop("tls", ["starttls"])
    if query:
        raise BadSmtpUrl(f"`{min(query)}` is not an option; there is only `tls`")
    match parts.scheme, wanted:
        case "smtps", ["starttls"]:
            return "implicit"
        case "smtp", ["starttls"]:
            return "starttls"
        case "smtp", ["no"]:
            return "no"
    raise BadSmtpUrl("it must begin with smtp:// or smtps://, and `tls` is starttls or no")

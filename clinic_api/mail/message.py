"""A mail as it goes over the wire (RFC 5322, MIME): headers that nothing can be slipped into."""

from __future__ import annotations

import re
from datetime import datetime
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from clinic_api.mail.rendering import Rendered

# What we hand to a mail server as an address: RFC 5321 without quoted local parts.
_ADDRESS = re.compile(r"[^\s@<>()\[\]:;,\\\"]{1,64}@[^\s@<>()\[\]:;,\\\"]{1,253}")


class BadAddress(ValueError):
    """No e-mail address. Says nothing else, because addresses do not belong into logs."""


def build(
    rendered: Rendered, *, recipient: str, sender: str, clinic: str, message_id: str, at: datetime
) -> EmailMessage:
    """The message. `message_id` is our row's id, the same on every attempt, so that servers and
    programs can drop a copy. Raises BadAddress."""
    message = EmailMessage(policy=SMTP)
    origin = _address(sender, clinic)
    message["From"] = origin
    message["To"] = _address(recipient)
    message["Subject"] = rendered.subject
    message["Date"] = at
    message["Message-ID"] = f"<{message_id}@{origin.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    return message


def is_address(text: str) -> bool:
    """Whether we would send to it."""
    try:
        _address(text)
    except BadAddress:
        return False
    return True


def _address(text: str, name: str = "") -> Address:
    if not _ADDRESS.fullmatch(text):
        raise BadAddress
    local, _, domain = text.rpartition("@")
    shown = " ".join(name.split())
    try:
        return Address(shown, local, domain.encode("idna").decode())
    except (HeaderParseError, MessageError, UnicodeError, ValueError, IndexError):
        raise BadAddress from None

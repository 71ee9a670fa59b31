"""A mail as it goes over the wire (RFC 5322, MIME): headers that nothing can be slipped into."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from clinic_api.mail.address import parse_address
from clinic_api.mail.rendering import Rendered


def build(
    rendered: Rendered, *, recipient: str, sender: str, clinic: str, message_id: str, at: datetime
) -> EmailMessage:
    """The message. `message_id` is our row's id, the same on every attempt, so that servers and
    programs can drop a copy. Raises BadAddress."""
    origin = parse_address(sender, clinic)
    message = EmailMessage(policy=SMTP)
    message["From"] = origin
    message["To"] = parse_address(recipient)
    message["Subject"] = rendered.subject
    message["Date"] = at
    message["Message-ID"] = f"<{message_id}@{origin.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    return message

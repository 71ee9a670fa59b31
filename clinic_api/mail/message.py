"""A mail as it goes over the wire (RFC 5322, MIME): headers that nothing can be slipped into.

An invitation stands in it twice: as an alternative of the text, which mail programs show as an
invitation (RFC 6047 2.4), and as a file for those that do not.
"""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP

from clinic_api.mail.address import parse_address
from clinic_api.mail.rendering import Invite, Rendered
from clinic_api.scheduling.ics import Mailbox, invitation

INVITE_NAME = "invite.ics"


def build(
    rendered: Rendered,
    *,
    recipient: str,
    sender: str,
    clinic: str,
    message_id: str,
    at: datetime,
    invite: Invite | None = None,
) -> EmailMessage:
    """The message. `message_id` is our row's id, the same on every attempt, so that servers and
    programs can drop a copy. Raises BadAddress."""
    origin = parse_address(sender, clinic)
    to = parse_address(recipient)
    message = EmailMessage(policy=SMTP)
    message["From"] = origin
    message["To"] = to
    message["Subject"] = rendered.subject
    message["Date"] = at
    message["Message-ID"] = f"<{message_id}@{origin.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    if invite is not None:
        organizer = Mailbox(origin.addr_spec, origin.display_name)
        _add_invite(message, invite, organizer, Mailbox(to.addr_spec), at)
    return message


def _add_invite(
    message: EmailMessage, invite: Invite, organizer: Mailbox, attendee: Mailbox, at: datetime
) -> None:
    text = invitation(invite.entry, invite.method, organizer=organizer, attendee=attendee, at=at)
    # RFC 6047 2.4: the part's method is that of the calendar in it
    message.add_alternative(
        text, subtype="calendar", cte="base64", params={"method": invite.method}
    )
    message.add_attachment(
        text.encode(), maintype="application", subtype="ics", filename=INVITE_NAME
    )

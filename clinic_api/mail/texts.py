"""What mails say, per language and kind. No health data: a clinic, a link, a time, a phone number.

`VARIABLES` is all that a text may name. Whoever reads over somebody's shoulder learns that there is
a clinic, not why; so no text names a person, a reason, a specialty or a practitioner.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from clinic_api.outbox import Kind

VARIABLES = frozenset({"clinic", "phone", "time"})


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. Parts that name a variable which is empty are left out."""

    subject: str
    before: tuple[str, ...]  # paragraphs
    button: str = ""  # what the link is called; "": a mail without link
    after: tuple[str, ...] = ()


class ShowTime(Protocol):
    """How a language writes a local time."""

    def __call__(self, local: datetime) -> str: ...


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a language needs."""

    texts: dict[Kind, Text]
    footer: tuple[str, ...]
    show_time: ShowTime
    direction: str = "ltr"


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)  # fmt: skip


def _english_time(local: datetime) -> str:
    day = f"{_DAYS[local.weekday()]}, {local.day} {_MONTHS[local.month - 1]} {local.year}"
    return f"{day}, {local:%H:%M} ({local.tzinfo})"


_NOT_YOU = "If you did not expect this, you need not do anything."
_PHONE = "Questions? Call {clinic}: {phone}."

_ENGLISH = Language(
    texts={
        "account.verify_email": Text(
            subject="{clinic}: please confirm your e-mail address",
            before=("Please confirm that this address is yours.",),
            button="Confirm the address",
            after=("The link works once, until {time}.", _NOT_YOU),
        ),
        "account.reset_password": Text(
            subject="{clinic}: a new password",
            before=("Somebody, we hope you, asked for a new password for your account.",),
            button="Choose a new password",
            after=("The link works once, until {time}.", _NOT_YOU),
        ),
        "account.invitation": Text(
            subject="{clinic}: your account",
            before=("Your account at {clinic} is ready to be activated.",),
            button="Activate the account",
            after=("The link works once, until {time}.", _NOT_YOU),
        ),
        "account.factor_changed": Text(
            subject="{clinic}: the way you sign in has changed",
            before=(
                "The password, the authenticator app or the recovery codes of your account "
                "at {clinic} were changed: {time}.",
                "If that was not you, call the clinic at once.",
            ),
        ),
        "patient.claim": Text(
            subject="{clinic}: your account",
            before=("{clinic} invites you to open your own account.",),
            button="Open the account",
            after=("The link works until {time}.", _NOT_YOU),
        ),
        "visit.invitation": Text(
            subject="{clinic}: your link",
            before=("{clinic} invites you to a video visit.", "It begins: {time}."),
            button="Join",
            after=("You need no account and no app. Please do not pass the link on.",),
        ),
        "appointment.booked": Text(
            subject="{clinic}: your appointment",
            before=("Your appointment at {clinic} is booked: {time}.",),
            button="Sign in",
            after=("If you cannot come, please cancel or move it in good time.",),
        ),
        "appointment.moved": Text(
            subject="{clinic}: your appointment has a new time",
            before=("Your appointment at {clinic} has been moved. It is now: {time}.",),
            button="Sign in",
            after=("If you cannot come, please cancel or move it in good time.",),
        ),
        "appointment.cancelled": Text(
            subject="{clinic}: your appointment is cancelled",
            before=(
                "Your appointment at {clinic} does not take place. It would have been: {time}.",
            ),
            button="Sign in",
        ),
        "appointment.declined": Text(
            subject="{clinic}: your request for an appointment",
            before=(
                "{clinic} cannot confirm the appointment that you asked for: {time}.",
                "Please choose another time.",
            ),
            button="Sign in",
        ),
        "appointment.lapsed": Text(
            subject="{clinic}: your request for an appointment",
            before=(
                "The appointment that you asked for was not confirmed in time: {time}.",
                "It does not take place. We are sorry. Please choose another time.",
            ),
            button="Sign in",
        ),
        "appointment.reminder_day": Text(
            subject="{clinic}: your appointment is soon",
            before=("We look forward to seeing you. Your appointment at {clinic}: {time}.",),
            button="Open the appointment",
            after=(
                "If you cannot come, please cancel or move it now.",
                "Please do not pass the link on.",
            ),
        ),
        "appointment.reminder_hour": Text(
            subject="{clinic}: your appointment begins within the hour",
            before=("Your appointment at {clinic} begins soon: {time}.",),
            button="Open the appointment",
            after=(
                "Please be where it is quiet and the connection is good.",
                "Please do not pass the link on.",
            ),
        ),
        "visit.link_recovery": Text(
            subject="{clinic}: your link",
            before=("Here is your link to the video visit once more.", "It begins: {time}."),
            button="Join",
            after=("Please do not pass the link on.", _NOT_YOU),
        ),
        "document.released": Text(
            subject="{clinic}: something new in your account",
            before=("There is something new for you in your account. Please sign in to see it.",),
            button="Sign in",
        ),
        "message.received": Text(
            subject="{clinic}: a message for you",
            before=("There is a message for you in your account. Please sign in to read it.",),
            button="Sign in",
        ),
    },
    footer=(_PHONE, "This message was sent by a program; answers to it are not read."),
    show_time=_english_time,
)

LANGUAGES: dict[str, Language] = {"en": _ENGLISH}
DEFAULT_LANGUAGE = "en"


def language(tag: str) -> Language:
    """The nearest that there is to a BCP 47 tag (RFC 4647 3.4): `en-GB` is read as `en`."""
    while tag:
        if tag in LANGUAGES:
            return LANGUAGES[tag]
        tag = tag.rpartition("-")[0]
    return LANGUAGES[DEFAULT_LANGUAGE]

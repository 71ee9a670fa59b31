"""From a text and its variables to subject, plain text and HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from html import escape
from string import Formatter
from zoneinfo import ZoneInfo

import msgspec

from clinic_api.mail.texts import Language, Text, language
from clinic_api.outbox import Kind
from clinic_api.scheduling.ics import Entry, Method

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Clinic(msgspec.Struct, frozen=True, kw_only=True):
    """What mails say of the clinic."""

    name: str
    phone: str
    zone: str  # IANA


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail program may put into the recipient's calendar, or take out of it."""

    entry: Entry
    method: Method


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind found out: the message still stands, with this link and this time."""

    path: str = ""  # of the link, from `/` on; secrets only after a `#`
    at: datetime | None = None  # when it begins, ends or happened
    zone: str = ""  # IANA, in which the time is written; "": the clinic's
    recipients: tuple[str, ...] | None = None  # who may get it now; None: whoever was meant
    invite: Invite | None = None


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A mail's content."""

    subject: str  # one line
    text: str  # lines end with \n
    html: str
    link: str  # "" in a mail without


def render(kind: Kind, tag: str, clinic: Clinic, wanted: Wanted, public_url: str) -> Rendered:
    """The mail of a kind in the language nearest to `tag`."""
    spoken = language(tag)
    text = spoken.texts[kind]
    local = wanted.at.astimezone(ZoneInfo(wanted.zone or clinic.zone)) if wanted.at else None
    variables = {
        "clinic": _one_line(clinic.name),
        "phone": _one_line(clinic.phone),
        "time": spoken.show_time(local) if local else "",
    }
    filled = Text(
        subject=text.subject.format_map(variables),
        before=_fill(text.before, variables),
        button=text.button,
        after=_fill((*text.after, *spoken.footer), variables),
    )
    link = public_url + wanted.path if text.button else ""
    return Rendered(
        subject=filled.subject,
        text=_plain(filled, link),
        html=_html(filled, link, spoken, tag),
        link=link,
    )


def names_in(paragraph: str) -> set[str]:
    """The variables that a paragraph names."""
    return {name for _, name, _, _ in Formatter().parse(paragraph) if name}


def _fill(paragraphs: Iterable[str], variables: dict[str, str]) -> tuple[str, ...]:
    """What is known; a paragraph about something unknown is left out."""
    known = {name for name, value in variables.items() if value}
    return tuple(each.format_map(variables) for each in paragraphs if names_in(each) <= known)


def _one_line(value: str) -> str:
    """Without line ends and control characters, so that it fits into a header."""
    return _CONTROL.sub(" ", value).strip()


def _plain(text: Text, link: str) -> str:
    called = [f"{text.button}:\n{link}"] if link else []
    return "\n\n".join([*text.before, *called, *text.after]) + "\n"


def _html(text: Text, link: str, spoken: Language, tag: str) -> str:
    """Simple enough for every mail program: no picture, no style sheet, nothing loaded."""
    button = f'<p><a href="{escape(link)}"><strong>{escape(text.button)}</strong></a></p>'
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{escape(tag)}" dir="{spoken.direction}"><head><meta charset="utf-8">',
        f"<title>{escape(text.subject)}</title></head>",
        '<body style="font-family:sans-serif;font-size:16px;line-height:1.5;max-width:40em">',
        *(f"<p>{escape(each)}</p>" for each in text.before),
        *([button, f"<p>{escape(link)}</p>"] if link else []),
        *(f"<p>{escape(each)}</p>" for each in text.after),
        "</body></html>",
    ]
    return "\n".join(lines) + "\n"

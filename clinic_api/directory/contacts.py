"""Names, phone numbers and e-mail addresses in the one form in which they are kept and compared."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from clinic_api.errors import Refused

_EMAIL = re.compile(r"[^@\s<>\"(),:;\\\[\]]+@[^@\s<>\"(),:;\\\[\]]+\.[^@\s.<>\"(),:;\\\[\]]+")
_WORD = re.compile(r"\w+")


def folded(name: str) -> str:
    """For search: no case, no accents, single spaces; "José  Müller" → "jose muller"."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    return " ".join(_WORD.findall(bare))


def tidy_text(text: str) -> str:
    """On one line, printable, in single spaces; nothing may be left."""
    kept = "".join(char if unicodedata.category(char)[0] != "C" else " " for char in text)
    return " ".join(unicodedata.normalize("NFC", kept).split())


def tidy_name(name: str, field: str = "name") -> str:
    """Printable, single spaces. Raises Refused(invalid) if nothing is left."""
    tidy = tidy_text(name)
    if not tidy:
        raise Refused("invalid", fields={field: "Please give a name."})
    return tidy


def tidy_phone(text: str, region: str, field: str = "phone") -> str:
    """As E.164; `region` (ISO 3166-1) is where a number without + is. Raises Refused(invalid)."""
    try:
        number = phonenumbers.parse(text, region or None)
    except NumberParseException:
        raise _no_phone(field) from None
    if not phonenumbers.is_possible_number(number):
        raise _no_phone(field)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def tidy_email(text: str, field: str = "email") -> str:
    """Lower-case; only the form is checked. Raises Refused(invalid)."""
    email = unicodedata.normalize("NFKC", text.strip()).lower()
    if not _EMAIL.fullmatch(email):
        raise Refused("invalid", fields={field: "This is not an e-mail address."})
    return email


def _no_phone(field: str) -> Refused:
    return Refused(
        "invalid", fields={field: "This is not a phone number. Begin with + and the country code."}
    )

"""The form of a patient's details: read from a record, and put into one.

Lists are written a line each. A wish about a channel is one choice with, for `only`, what may be
used; the record keeps a rule for each address (45 CFR 164.522(b)).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from clinic_api.directory.model import (
    Address,
    Channel,
    ContactRule,
    EmergencyContact,
    PatientDetails,
    Sex,
)
from clinic_api.errors import Refused

CHANNELS: tuple[Channel, ...] = get_args(Channel)
MAX_LINES = {"phones": 5, "emails": 5, "address_lines": 5}  # PatientDetails, Address
MAX_LINE_CHARS = 200
MAX_RULES = 10  # PatientDetails

_Lines = Annotated[str, Meta(max_length=1400, extra={"wrong": "This is too long."})]
_Line = Annotated[str, Meta(max_length=200, extra={"wrong": "At most 200 characters."})]
_Short = Annotated[str, Meta(max_length=100, extra={"wrong": "At most 100 characters."})]
_Phone = Annotated[str, Meta(max_length=40, extra={"wrong": "At most 40 characters."})]
_Wish = Literal["any", "never", "only"]


class PatientForm(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said here; whose own record it is does not send the first three."""

    name: _Line = ""
    birth_date: Annotated[date | None, Meta(extra={"wrong": "Please write a date."})] = None
    sex: Sex = "unknown"
    language: Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] = (
        "en"
    )
    phones: _Lines = ""
    emails: _Lines = ""
    address_lines: _Lines = ""
    postal_code: Annotated[str, Meta(max_length=20, extra={"wrong": "At most 20 characters."})] = ""
    city: _Short = ""
    region: _Short = ""
    country: Annotated[str, Meta(pattern="^([A-Z]{2})?$")] = ""
    emergency_name: _Line = ""
    emergency_phone: _Phone = ""
    emergency_relationship: _Short = ""
    wish_phone: _Wish = "any"
    wish_sms: _Wish = "any"
    wish_voicemail: _Wish = "any"
    wish_email: _Wish = "any"
    wish_post: _Wish = "any"
    only_phone: _Lines = ""
    only_sms: _Lines = ""
    only_voicemail: _Lines = ""
    only_email: _Lines = ""
    only_post: _Lines = ""
    csrf: str = ""


def fields_of(details: PatientDetails) -> dict[str, str]:
    """The details as the form shows them."""
    fields = {
        "name": details.name,
        "birth_date": details.birth_date.isoformat() if details.birth_date else "",
        "sex": details.sex,
        "language": details.language,
        "phones": "\n".join(details.phones),
        "emails": "\n".join(details.emails),
        "address_lines": "\n".join(details.address.lines),
        "postal_code": details.address.postal_code,
        "city": details.address.city,
        "region": details.address.region,
        "country": details.address.country,
        "emergency_name": details.emergency.name,
        "emergency_phone": details.emergency.phone,
        "emergency_relationship": details.emergency.relationship,
    }
    for channel in CHANNELS:
        rules = [rule for rule in details.contact_rules if rule.channel == channel]
        kinds = {rule.rule for rule in rules}
        fields[f"wish_{channel}"] = "never" if "never" in kinds else "only" if kinds else "any"
        only = [rule.value for rule in rules if rule.rule == "only"]
        fields[f"only_{channel}"] = "\n".join(only)
    return fields


def details_of(said: PatientForm, before: PatientDetails, *, is_staff: bool) -> PatientDetails:
    """What the form says; who the patient is, only staff change. Raises Refused(invalid)."""
    lines = {name: _lines(getattr(said, name)) for name in MAX_LINES}
    _check_lines(lines)
    details = replace(
        before,
        language=said.language,
        phones=lines["phones"],
        emails=lines["emails"],
        address=Address(
            lines=lines["address_lines"],
            city=said.city,
            region=said.region,
            postal_code=said.postal_code,
            country=said.country,
        ),
        emergency=EmergencyContact(
            name=said.emergency_name,
            phone=said.emergency_phone,
            relationship=said.emergency_relationship,
        ),
        contact_rules=_rules(said),
    )
    if is_staff:
        details = replace(details, name=said.name, birth_date=said.birth_date, sex=said.sex)
    return details


def _rules(said: PatientForm) -> tuple[ContactRule, ...]:
    rules: list[ContactRule] = []
    for channel in CHANNELS:
        wish: _Wish = getattr(said, f"wish_{channel}")
        only = _lines(getattr(said, f"only_{channel}"))
        if wish == "only" and not only:
            fields = {f"only_{channel}": "Please write what may be used."}
            raise Refused("invalid", fields=fields)
        if wish == "never":
            rules.append(ContactRule(channel, "never"))
        elif wish == "only":
            rules += (ContactRule(channel, "only", value) for value in only)
    if len(rules) > MAX_RULES:
        raise Refused("invalid", fields={"wish_phone": f"At most {MAX_RULES} in all."})
    return tuple(rules)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _check_lines(lines: Mapping[str, tuple[str, ...]]) -> None:
    """Raises Refused(invalid)."""
    wrong = {name: f"At most {MAX_LINES[name]}." for name in lines if _many(name, lines[name])}
    long = [name for name, each in lines.items() if any(len(x) > MAX_LINE_CHARS for x in each)]
    wrong |= dict.fromkeys(long, f"At most {MAX_LINE_CHARS} characters in a line.")
    if wrong:
        raise Refused("invalid", fields=wrong)


def _many(name: str, each: tuple[str, ...]) -> bool:
    return len(each) > MAX_LINES[name]

"""People: who is treated, who treats, who acts for somebody. A login is not a person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Id = Annotated[str, Meta(max_length=36)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Short = Annotated[str, Meta(max_length=100)]
Line = Annotated[str, Meta(max_length=200)]
Phone = Annotated[str, Meta(max_length=40)]
Email = Annotated[str, Meta(max_length=254)]  # RFC 5321 4.5.3.1.3: a path has 256 with <>
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Secret = Annotated[str, Meta(max_length=200)]  # a token of a link, in a body only

Sex = Literal["female", "male", "other", "unknown"]  # FHIR R4 AdministrativeGender
PatientState = Literal["unmatched", "matched", "merged"]
Channel = Literal["phone", "sms", "voicemail", "email", "post"]
ProxyScope = Literal["record", "visits"]  # all that the patient may do; invited to visits only


class ContactRule(msgspec.Struct, frozen=True):
    """A wish about one channel (45 CFR 164.522(b)): not at all, or nothing but `value`."""

    channel: Channel
    rule: Literal["never", "only"]
    value: Line = ""


class Address(msgspec.Struct, frozen=True):
    lines: Annotated[tuple[Line, ...], Meta(max_length=5)] = ()
    city: Short = ""
    region: Short = ""
    postal_code: Annotated[str, Meta(max_length=20)] = ""
    country: Annotated[str, Meta(pattern="^([A-Z]{2})?$")] = ""  # ISO 3166-1 alpha-2


class EmergencyContact(msgspec.Struct, frozen=True):
    name: Line = ""
    phone: Phone = ""
    relationship: Short = ""


class PatientDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What a person's record says of the person. `phones` and `emails`: the preferred first."""

    name: Name
    birth_date: date | None = None
    sex: Sex = "unknown"
    language: Language = "en"
    phones: Annotated[tuple[Phone, ...], Meta(max_length=5)] = ()
    emails: Annotated[tuple[Email, ...], Meta(max_length=5)] = ()
    address: Address = Address()
    emergency: EmergencyContact = EmergencyContact()
    contact_rules: Annotated[tuple[ContactRule, ...], Meta(max_length=10)] = ()


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """A person who is, was or may be treated here."""

    id: str
    version: int
    state: PatientState
    merged_into: str | None
    has_login: bool
    details: PatientDetails


class PatientSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a search's result: enough to tell two people apart."""

    id: str
    name: str
    birth_date: date | None
    sex: Sex
    state: PatientState
    phones: tuple[str, ...]


class Practitioner(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who treats. `address` is the last part of the walk-in page, `/with/<address>`."""

    id: str
    version: int
    user_id: str | None
    name: str
    speciality: str
    languages: tuple[str, ...]
    address: str | None
    accepts_walk_ins: bool
    active: bool


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who acts for a patient: a parent, a carer."""

    id: str
    version: int
    patient_id: str
    user_id: str | None
    name: str
    relationship: str
    phone: str
    email: str
    scope: ProxyScope
    expires_at: datetime | None
    ended_at: datetime | None


def stands(proxy: Proxy, now: datetime) -> bool:
    """Whether somebody may act for the patient by this."""
    return proxy.ended_at is None and (proxy.expires_at is None or now < proxy.expires_at)

"""Checks what is said of an organisation against the published lists; every wrong field at once.

Countries and time zones are those of the pinned tzdata package (ISO 3166-1, IANA), currencies those
of ISO 4217 in use on 2026-01-01, telephone numbers those of the country's numbering plan.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import phonenumbers
from phonenumbers import ValidationResult

from clinic_api.errors import Refused
from clinic_api.organisation.model import NAME_CHARS, Profile

_CURRENCIES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
    "GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW "
    "KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR "
    "MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR "
    "SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
CURRENCIES = frozenset(_CURRENCIES.split())


_WRONG_LENGTH = {
    ValidationResult.TOO_SHORT: "This number is too short.",
    ValidationResult.TOO_LONG: "This number is too long.",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "Please write the number with its area code.",
    ValidationResult.INVALID_COUNTRY_CODE: "No country has this code after the +.",
}


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes."""
    lines = (files("tzdata") / "zoneinfo" / "iso3166.tab").read_text("utf-8").splitlines()
    return frozenset(line.split("\t")[0] for line in lines if line and not line.startswith("#"))


@cache
def time_zones() -> frozenset[str]:
    """IANA names, links included."""
    return frozenset((files("tzdata") / "zones").read_text("utf-8").split())


def checked(profile: Profile) -> Profile:
    """The same, trimmed and in the standard forms. Raises Refused(invalid) with every field."""
    name = " ".join(profile.name.split())
    phone, no_phone = e164(profile.phone, profile.country)
    wrong = {
        "name": not 0 < len(name) <= NAME_CHARS and f"Please write 1 to {NAME_CHARS} characters.",
        "country": profile.country not in countries()
        and "Please choose a country (two letters, ISO 3166).",
        "currency": profile.currency not in CURRENCIES
        and "Please choose a currency (three letters, ISO 4217).",
        "time_zone": profile.time_zone not in time_zones()
        and "Please choose a time zone, such as Europe/Paris.",
        "phone": no_phone,
    }
    fields = {field: sentence for field, sentence in wrong.items() if sentence}
    if fields:
        raise Refused("invalid", fields=fields)
    return Profile(
        name=name,
        country=profile.country,
        currency=profile.currency,
        time_zone=profile.time_zone,
        phone=phone,
    )


def e164(text: str, country: str) -> tuple[str, str]:
    """A telephone number that the country's numbering plan has, as +…, and "" ; or "" and a
    sentence that says what is wrong."""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return "", "Please write a telephone number of the country, or with + and its code."
    if not phonenumbers.is_valid_number(number):
        return "", _WRONG_LENGTH.get(
            phonenumbers.is_possible_number_with_reason(number),
            "There is no such number: a digit may be missing or wrong.",
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), ""

"""Currencies to choose from, and each country's own (ISO 4217 on 2026-01-01).

A code of ISO 4217 begins with its country's; what is here are the currencies that several countries
share, and names for those that no country's name tells. A library would bring thousands of names in
hundreds of languages for these few lines.
"""

from __future__ import annotations

from functools import cache

from clinic_api.organisation.profile import CURRENCIES
from web.places import countries

_SHARED = {  # currency → countries that have none of their own (ISO 4217 list one)
    "AUD": "CC CX HM KI NF NR TV",
    "CHF": "LI",
    "DKK": "FO GL",
    "EUR": "AD AT AX BE BG BL CY DE EE ES FI FR GF GP GR HR IE IT LT LU LV MC ME MF MQ MT NL PM PT"
    " RE SI SK SM TF VA YT",
    "GBP": "GG GS IM JE",
    "ILS": "PS",
    "MAD": "EH",
    "NOK": "BV SJ",
    "NZD": "CK NU PN TK",
    "USD": "AS BQ EC FM GU IO MH MP PR PW SV TC TL UM VG VI",
    "VES": "VE",
    "XAF": "CF CG CM GA GQ TD",
    "XCD": "AG AI DM GD KN LC MS VC",
    "XCG": "CW SX",
    "XOF": "BF BJ CI GW ML NE SN TG",
    "XPF": "NC PF WF",
}
_NAMES = {
    "EUR": "euro",
    "XAF": "CFA franc of Central Africa",
    "XCD": "East Caribbean dollar",
    "XCG": "Caribbean guilder",
    "XOF": "CFA franc of West Africa",
    "XPF": "CFP franc",
}


@cache
def currency_of(country: str) -> str:
    """The currency of an ISO 3166 country; "" where there is none (Antarctica)."""
    for currency, those in _SHARED.items():
        if country in those.split():
            return currency
    return next((code for code in sorted(CURRENCIES) if code.startswith(country)), "")


@cache
def currencies() -> tuple[tuple[str, str], ...]:
    """(code, the code with whose it is), by code."""
    names = dict(countries())
    return tuple(
        (code, f"{code} · {_NAMES.get(code) or names[code[:2]]}") for code in sorted(CURRENCIES)
    )

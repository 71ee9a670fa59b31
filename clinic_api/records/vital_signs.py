"""What can be measured: LOINC codes, UCUM units, and what no living person has.

Codes are LOINC's, as the FHIR R4 vital signs profile names them; 2339-0 is glucose in blood. The
bounds refuse slips of the keyboard and the wrong unit, not what is unusual.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

VitalKind = Literal[
    "heart_rate",
    "blood_pressure",
    "temperature",
    "oxygen_saturation",
    "weight",
    "height",
    "respiratory_rate",
    "glucose",
]


class Range(msgspec.Struct, frozen=True):
    """Both ends belong to it."""

    least: float
    most: float


class Vital(msgspec.Struct, frozen=True, kw_only=True):
    loinc: str
    units: Mapping[str, Range]  # UCUM


VITALS: dict[VitalKind, Vital] = {
    "heart_rate": Vital(loinc="8867-4", units={"/min": Range(10, 350)}),
    # The panel; its parts are below.
    "blood_pressure": Vital(loinc="85354-9", units={"mm[Hg]": Range(20, 350)}),
    "temperature": Vital(loinc="8310-5", units={"Cel": Range(20, 46), "[degF]": Range(68, 115)}),
    "oxygen_saturation": Vital(loinc="2708-6", units={"%": Range(20, 100)}),
    "weight": Vital(loinc="29463-7", units={"kg": Range(0.2, 700), "[lb_av]": Range(0.5, 1550)}),
    "height": Vital(loinc="8302-2", units={"cm": Range(20, 280), "[in_i]": Range(8, 110)}),
    "respiratory_rate": Vital(loinc="9279-1", units={"/min": Range(2, 120)}),
    "glucose": Vital(loinc="2339-0", units={"mg/dL": Range(5, 2000), "mmol/L": Range(0.3, 111)}),
}
SYSTOLIC, DIASTOLIC = "8480-6", "8462-4"


def wrong_measurement(
    kind: VitalKind, unit: str, value: float, diastolic: float | None
) -> dict[str, str]:
    """Field → sentence; empty where it may be."""
    bounds = VITALS[kind].units.get(unit)
    if bounds is None:
        return {"unit": f"Please give it in {' or '.join(VITALS[kind].units)}."}
    wrong = {}
    if not bounds.least <= value <= bounds.most:
        wrong["value"] = f"This has to be from {bounds.least:g} to {bounds.most:g} {unit}."
    if kind != "blood_pressure":
        if diastolic is not None:
            wrong["diastolic"] = "Only a blood pressure has this."
    elif diastolic is None:
        wrong["diastolic"] = "Please give both values of the blood pressure."
    elif not bounds.least <= diastolic <= bounds.most or diastolic >= value:
        wrong["diastolic"] = "This has to be the lower of the two values."
    return wrong

"""A patient's clinical lists: problems, allergies, medicines. FHIR R4's Condition,
AllergyIntolerance and MedicationStatement, reduced to what a small clinic writes down.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.directory.model import Id
from clinic_api.records.entry import EntryState

ListKind = Literal["problem", "allergy", "medicine"]
Source = Literal["patient", "staff"]
Severity = Literal["mild", "moderate", "severe", "unknown"]

Text = Annotated[str, Meta(min_length=1, max_length=500)]
Remark = Annotated[str, Meta(max_length=2000)]
# A year, a month or a day, as it is known: FHIR R4 dateTime without a time.
Day = Annotated[str, Meta(pattern=r"^([12]\d{3}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?)?$")]


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """From a published code system, by its URI: SNOMED CT, ICD-10, RxNorm, ATC."""

    system: Annotated[str, Meta(pattern=r"^(https?://|urn:)\S+$", max_length=200)]
    code: Annotated[str, Meta(min_length=1, max_length=50)]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A condition, past or present."""

    text: Text
    code: Code | None = None
    since: Day = ""
    until: Day = ""
    remark: Remark = ""


class Allergy(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the patient must not get; or, with `none_known`, that nothing is known."""

    text: Annotated[str, Meta(max_length=500)] = ""  # the substance
    none_known: bool = False
    code: Code | None = None
    reaction: Annotated[str, Meta(max_length=500)] = ""
    severity: Severity = "unknown"
    remark: Remark = ""


class Medicine(msgspec.Struct, frozen=True, kw_only=True):
    """What the patient takes, prescribed here, elsewhere or by nobody."""

    text: Text
    code: Code | None = None
    dosage: Annotated[str, Meta(max_length=500)] = ""  # in words
    since: Day = ""
    until: Day = ""
    remark: Remark = ""


Detail = Problem | Allergy | Medicine
DETAILS: dict[ListKind, type[Detail]] = {
    "problem": Problem,
    "allergy": Allergy,
    "medicine": Medicine,
}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a list; exactly one of `problem`, `allergy` and `medicine` is there."""

    id: str
    version: int
    patient_id: Id
    kind: ListKind
    state: EntryState
    source: Source
    noted_by: str  # who wrote it down
    noted_at: datetime
    confirmed_by: str  # "": staff have not looked at what the patient said
    confirmed_at: datetime | None
    withdrawn_because: str
    problem: Problem | None = None
    allergy: Allergy | None = None
    medicine: Medicine | None = None


def kind_of(detail: Detail) -> ListKind:
    match detail:
        case Problem():
            return "problem"
        case Allergy():
            return "allergy"
        case Medicine():
            return "medicine"


def wrong_fields(detail: Detail) -> dict[str, str]:
    """What the types do not say: field → sentence."""
    if isinstance(detail, Allergy):
        blank = not detail.text.strip()
        if detail.none_known:
            told = detail.text or detail.reaction or detail.code
            return {"text": "Nothing else is said where none is known."} if told else {}
        return {"text": "Please say what the allergy is to."} if blank else {}
    wrong = {} if detail.text.strip() else {"text": "Please write this."}
    if detail.since and detail.until and detail.until < detail.since[: len(detail.until)]:
        wrong["until"] = "This is before it began."
    return wrong

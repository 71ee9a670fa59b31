"""Entries of clinical lists as resources of FHIR R4. Pure."""

from __future__ import annotations

from clinic_api.export import words
from clinic_api.export.fhir_values import (
    HL7,
    Resource,
    coding,
    concept,
    narrowed,
    reference,
    resource,
)
from clinic_api.records.lists_model import Allergy, Code, Entry, Medicine, Problem

NO_KNOWN_ALLERGY = coding("http://snomed.info/sct", "716186003", "No known allergy")
_VERIFICATION = {  # the systems are named unlike
    "allergyintolerance": "allergyintolerance-verification",
    "condition": "condition-ver-status",
}


def entry_resource(entry: Entry) -> Resource:
    """AllergyIntolerance, Condition or MedicationStatement."""
    detail = entry.allergy or entry.problem or entry.medicine
    assert detail is not None, "an entry says something"
    subject = reference(entry.patient_id)
    notes = [{"text": detail.remark}] if detail.remark else None
    match detail:
        case Allergy():
            none_known = {"coding": [NO_KNOWN_ALLERGY]}
            return resource(
                "AllergyIntolerance",
                entry.id,
                **_status(entry, "allergyintolerance"),
                code=none_known if detail.none_known else _coded(detail.text, detail.code),
                patient=subject,
                recordedDate=words.utc(entry.noted_at),
                note=notes,
                reaction=_reaction(detail),
            )
        case Problem():
            return resource(
                "Condition",
                entry.id,
                **_status(entry, "condition"),
                code=_coded(detail.text, detail.code),
                subject=subject,
                onsetDateTime=detail.since or None,
                abatementDateTime=_abated(entry, detail),
                recordedDate=words.utc(entry.noted_at),
                note=notes,
            )
        case Medicine():
            states = {"active": "active", "inactive": "completed"}
            return resource(
                "MedicationStatement",
                entry.id,
                status=states.get(entry.state, "entered-in-error"),
                medicationCodeableConcept=_coded(detail.text, detail.code),
                subject=subject,
                effectivePeriod=narrowed(start=detail.since, end=detail.until),
                dateAsserted=words.utc(entry.noted_at),
                dosage=[{"text": detail.dosage}] if detail.dosage else None,
                note=notes,
            )


def _status(entry: Entry, system: str) -> Resource:
    """What was entered in error has no clinical status (con-5, ait-2)."""
    verification = f"{HL7}/{_VERIFICATION[system]}"
    if entry.state == "entered_in_error":
        return {"verificationStatus": concept(verification, "entered-in-error")}
    certain = "confirmed" if entry.confirmed_by else "unconfirmed"
    return {
        "clinicalStatus": concept(f"{HL7}/{system}-clinical", entry.state),
        "verificationStatus": concept(verification, certain),
    }


def _abated(entry: Entry, detail: Problem) -> str | None:
    """con-4: only what is over has an end."""
    return detail.until or None if entry.state == "inactive" else None


def _reaction(detail: Allergy) -> list[Resource] | None:
    if not detail.reaction:
        return None
    severity = None if detail.severity == "unknown" else detail.severity
    return [narrowed(manifestation=[{"text": detail.reaction}], severity=severity)]


def _coded(text: str, code: Code | None) -> Resource:
    codes = {} if code is None else {"coding": [coding(code.system, code.code)]}
    return {**codes, "text": text}

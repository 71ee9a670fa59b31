"""A record as resources of FHIR R4 (4.0.1): each part as the resources that say the same. Pure.

References are `urn:uuid:` of the rows' ids, as the Bundle's `fullUrl`s are (FHIR R4, 2.36.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import quote

from clinic_api.export import words
from clinic_api.export.answers import questions_of
from clinic_api.export.fhir_lists import entry_resource
from clinic_api.export.fhir_notes import composition
from clinic_api.export.fhir_values import (
    HL7,
    LOINC,
    Resource,
    coding,
    concept,
    narrowed,
    reference,
    resource,
)
from clinic_api.export.parts import (
    Answered,
    Booked,
    Chat,
    Conversation,
    Documents,
    Measurements,
    Notes,
    OfVisit,
    Part,
    Person,
)
from clinic_api.forms.store import FormAnswers
from clinic_api.records.documents_model import Document
from clinic_api.records.observations_store import Observation
from clinic_api.records.vital_signs import DIASTOLIC, SYSTOLIC
from clinic_api.scheduling.model import Appointment
from clinic_api.visits.visit import State

UCUM = "http://unitsofmeasure.org"
_ENCOUNTERS: Mapping[State, str] = {
    "planned": "planned",
    "waiting": "arrived",
    "in_progress": "in-progress",
    "ended": "finished",
    "cancelled": "cancelled",
    "expired": "cancelled",
}
_APPOINTMENTS: Mapping[str, str] = {
    "held": "proposed",
    "expired": "cancelled",
    "pending_payment": "pending",
    "pending_approval": "pending",
    "booked": "booked",
    "moved": "cancelled",
    "cancelled": "cancelled",
    "checked_in": "checked-in",
    "in_progress": "arrived",
    "fulfilled": "fulfilled",
    "no_show_patient": "noshow",
    "no_show_provider": "cancelled",
    "entered_in_error": "entered-in-error",
}


def resources_of(part: Part) -> list[Resource]:
    match part:
        case Person():
            return list(_person(part))
        case Measurements():
            return [_observation(one) for one in part.items]
        case Booked():
            return [_appointment(one, part) for one in part.items]
        case OfVisit():
            notes = (composition(part.facts.patient.id, each) for each in part.facts.notes)
            return [_encounter(part), *notes]
        case Answered():
            return [_answers(part.held)]
        case Chat():
            return [
                _said(f"{part.visit_id}.{one.id}", one.at, one.name, one.text, part.visit_id)
                for one in part.lines
            ]
        case Notes():
            return [composition(part.patient_id, each) for each in part.items]
        case Documents():
            return [_document(one, part.paths[one.id]) for one in part.items]
        case Conversation():
            return [_said(one.id, one.at, one.author, one.text) for one in part.messages]


def _person(part: Person) -> Iterable[Resource]:
    clinic, patient, details = part.organisation, part.patient, part.patient.details
    yield resource(
        "Organization",
        clinic.id,
        name=clinic.name or None,
        telecom=[{"system": "phone", "value": clinic.phone}] if clinic.phone else None,
    )
    phones = [{"system": "phone", "value": value} for value in details.phones]
    address = details.address
    yield resource(
        "Patient",
        patient.id,
        active=True,
        name=[{"text": details.name}],
        gender=details.sex,
        birthDate=None if details.birth_date is None else details.birth_date.isoformat(),
        telecom=[*phones, *({"system": "email", "value": value} for value in details.emails)],
        address=narrowed(
            [
                narrowed(
                    line=[line for line in address.lines if line],
                    city=address.city,
                    state=address.region,
                    postalCode=address.postal_code,
                    country=address.country,
                )
            ]
        ),
        communication=[{"language": {"coding": [{"code": details.language}]}}],
        managingOrganization=reference(clinic.id),
    )
    for entry in (*part.lists.allergies, *part.lists.problems, *part.lists.medicines):
        yield entry_resource(entry)


def _observation(one: Observation) -> Resource:
    """The FHIR R4 vital signs profile; glucose is a laboratory's."""
    held = one.measured
    category = "laboratory" if one.kind == "glucose" else "vital-signs"
    value: Resource = {"valueQuantity": _quantity(held.value, held.unit)}
    if held.diastolic is not None:
        pair = ((SYSTOLIC, held.value), (DIASTOLIC, held.diastolic))
        value = {
            "component": [
                {"code": concept(LOINC, code), "valueQuantity": _quantity(number, held.unit)}
                for code, number in pair
            ]
        }
    return resource(
        "Observation",
        one.id,
        status="final" if one.state == "final" else "entered-in-error",
        category=[concept(f"{HL7}/observation-category", category)],
        code=concept(LOINC, one.loinc, words.VITALS[one.kind]),
        subject=reference(one.patient_id),
        encounter=None if one.visit_id is None else reference(one.visit_id),
        effectiveDateTime=words.utc(one.measured_at),
        note=[{"text": held.remark}] if held.remark else None,
        **value,
    )


def _quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def _appointment(one: Appointment, part: Booked) -> Resource:
    practitioner = {"display": part.practitioners[one.practitioner_id]}
    return resource(
        "Appointment",
        one.id,
        status=_APPOINTMENTS[one.state],
        serviceType=narrowed([narrowed(text=part.services[one.service_id])]),
        start=words.utc(one.starts_at),
        end=words.utc(one.ends_at),
        participant=[
            {"actor": reference(one.patient_id), "status": "accepted"},
            {"actor": practitioner, "status": "accepted"},
        ],
    )


def _encounter(part: OfVisit) -> Resource:
    visit, facts = part.facts.visit, part.facts
    assert visit.patient_id is not None
    begin, end = visit.call_started_at, visit.call_ended_at
    doctor = narrowed(display=facts.practitioner)
    return resource(
        "Encounter",
        visit.id,
        status=_ENCOUNTERS[visit.state],
        **{"class": coding(f"{HL7}/v3-ActCode", "VR", "virtual")},
        subject=reference(visit.patient_id),
        participant=narrowed([narrowed(individual=doctor)]),
        period=narrowed(start=_moment(begin), end=_moment(end)),
        reasonCode=[{"text": facts.reason}] if facts.reason else None,
        serviceProvider=reference(facts.organisation.id),
    )


def _moment(at: datetime | None) -> str | None:
    return None if at is None else words.utc(at)


def _answers(held: FormAnswers) -> Resource:
    return resource(
        "QuestionnaireResponse",
        held.id,
        status="completed",
        subject=reference(held.patient_id),
        encounter=reference(held.visit_id),
        authored=_moment(held.submitted_at),
        item=[
            {"linkId": key, "text": asked, "answer": [{"valueString": said}]}
            for key, asked, said in questions_of(held)
        ],
    )


def _document(one: Document, path: str) -> Resource:
    """The file lies beside the Bundle; its address is relative to it."""
    attachment = {
        "contentType": one.file.media_type,
        "url": quote(path),
        "size": one.file.size,
        "title": one.file.name,
    }
    visit = None if one.visit_id is None else {"encounter": [reference(one.visit_id)]}
    return resource(
        "DocumentReference",
        one.id,
        status="current",
        type={"text": one.kind.replace("_", " ")},
        subject=reference(one.patient_id),
        date=words.utc(one.created_at),
        description=one.title,
        content=[{"attachment": attachment}],
        context=visit,
    )


def _said(
    row_id: str, at: datetime, author: str, text: str, visit_id: str | None = None
) -> Resource:
    return resource(
        "Communication",
        row_id,
        status="completed",
        encounter=None if visit_id is None else reference(visit_id),
        sent=words.utc(at),
        sender=narrowed(display=author),
        payload=[{"contentString": text}],
    )

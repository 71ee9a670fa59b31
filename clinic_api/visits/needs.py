"""What is still missing before a booked visit: answers to its form, consents of its patient.

A clinic that has published a telehealth text wants it for every visit; a service may want others.
Read for a whole list of appointments at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from clinic_api.catalogue import store as catalogue
from clinic_api.catalogue.model import ServiceDetails
from clinic_api.directory.store import patients
from clinic_api.forms import store as forms
from clinic_api.scheduling.model import Appointment
from clinic_api.scheduling.needs import Needs, tells_needs
from clinic_api.transaction import Transaction
from clinic_api.visits import consent_store
from clinic_api.visits.consent_store import ConsentText, consents
from clinic_api.visits.store import visits

ALWAYS = "telehealth"  # once there is a text of this kind
Services = Mapping[str, ServiceDetails]
_Given = set[tuple[str, str]]  # of which patient, to which text


@tells_needs
def forms_and_consents(tx: Transaction, appointments: Sequence[Appointment]) -> Needs:
    """`form` and `consent:…`, in this order."""
    services = _services(tx, appointments)
    lacking_form = _lacking_form(tx, appointments, services)
    lacking_consents = _lacking_consents(tx, appointments, services)
    return {
        each.id: ("form",) * (each.id in lacking_form) + lacking_consents.get(each.id, ())
        for each in appointments
    }


def _services(tx: Transaction, appointments: Sequence[Appointment]) -> Services:
    found = (catalogue.service(tx, one) for one in {each.service_id for each in appointments})
    return {each.id: each.details for each in found if each is not None}


def _lacking_form(
    tx: Transaction, appointments: Sequence[Appointment], services: Services
) -> set[str]:
    """Who has a visit answers its questions; before there is one, those of the service count."""
    asking = [each for each in appointments if services[each.service_id].form_id is not None]
    if not asking:
        return set()
    answers = forms.form_answers
    query = tx.select(visits, visits.c.appointment_id, answers.c.state)
    query = query.outerjoin(answers, answers.c.visit_id == visits.c.id)
    rows = tx.all(query.where(visits.c.appointment_id.in_([each.id for each in asking])))
    states = {row.appointment_id: row.state for row in rows}
    asked = {form_id: _is_asked(tx, form_id) for form_id in _form_ids(asking, services)}
    without_visit = (each for each in asking if each.id not in states)
    drafts = {appointment_id for appointment_id, state in states.items() if state == "draft"}
    return drafts | {
        each.id for each in without_visit if asked[services[each.service_id].form_id or ""]
    }


def _form_ids(appointments: Sequence[Appointment], services: Services) -> set[str]:
    return {services[each.service_id].form_id or "" for each in appointments}


def _is_asked(tx: Transaction, form_id: str) -> bool:
    form = forms.form(tx, form_id)
    return form is not None and form.active


def _lacking_consents(
    tx: Transaction, appointments: Sequence[Appointment], services: Services
) -> Needs:
    texts = consent_store.newest_texts(tx)
    if not texts:
        return {}
    ids = sorted({each.patient_id for each in appointments})
    languages = _languages(tx, ids)
    given = _given(tx, ids)
    lacking: dict[str, tuple[str, ...]] = {}
    for each in appointments:
        kinds = sorted({ALWAYS, *services[each.service_id].consents})
        wanted = (_wanted(texts, kind, languages[each.patient_id]) for kind in kinds)
        missing = (one for one in wanted if one and (each.patient_id, one.id) not in given)
        lacking[each.id] = tuple(f"consent:{one.kind}" for one in missing)
    return lacking


def _wanted(texts: Sequence[ConsentText], kind: str, language: str) -> ConsentText | None:
    """The newest text of the kind, in the person's language if there is one."""
    of_kind = [one for one in texts if one.kind == kind]
    own = [one for one in of_kind if one.language == language]
    return next(iter(own or of_kind), None)


def _languages(tx: Transaction, patient_ids: Sequence[str]) -> dict[str, str]:
    rows = tx.all(
        tx.select(patients, patients.c.id, patients.c.language).where(
            patients.c.id.in_(patient_ids)
        )
    )
    return {row.id: row.language for row in rows}


def _given(tx: Transaction, patient_ids: Sequence[str]) -> _Given:
    """Of the records themselves, and of those that they were merged into."""
    merged = sa.func.coalesce(patients.c.merged_into, patients.c.id)
    query = tx.select(patients, patients.c.id, consents.c.text_id)
    query = query.join(consents, consents.c.patient_id.in_([patients.c.id, merged]))
    query = query.where(patients.c.id.in_(patient_ids), consents.c.state == "given")
    return {(row.id, row.text_id) for row in tx.all(query)}

"""Asks for a copy of a record and lets it be fetched; gathers what a visit's summary says.

A copy holds what the patient may read, whoever asks: the patient and who acts for them, or a doctor
who treats them and hands it over.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.relations import facts_of
from clinic_api.errors import Refused
from clinic_api.export import store
from clinic_api.export.model import LASTS, AskExport, Export, OneExport, OneVisit
from clinic_api.export.visit_facts import VisitFacts, gather
from clinic_api.guarded import guarded, hidden, permit
from clinic_api.records.lists import permitted_patient
from clinic_api.transaction import Transaction
from clinic_api.visits.store import visit as visit_of

DAY = timedelta(days=1)
MOST_A_DAY = 10  # copies of one record
RETRY_AFTER_S = 3600


@guarded("visit.read_summary")
def read_summary(tx: Transaction, actor: Actor, command: OneVisit) -> VisitFacts:
    """What is printed. Raises Refused: not_found, illegal_event (it is not over)."""
    visit = visit_of(tx, command.visit_id)
    if visit is None or visit.patient_id is None:
        raise hidden(tx, actor, "visit", command.visit_id)
    facts = facts_of(tx, visit.patient_id)
    permit(tx, actor, msgspec.structs.replace(facts, kind="visit", id=visit.id))
    if visit.state != "ended":
        raise Refused("illegal_event", "There is a summary once the visit has ended.")
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id)
    return gather(tx, visit)


@guarded("export.make")
def ask_export(tx: Transaction, actor: Actor, command: AskExport) -> Export:
    """A copy of the record, to be fetched once within a day by whoever asks. Raises Refused:
    not_found, too_many_requests."""
    patient_id = permitted_patient(tx, actor, command.patient_id)
    if store.asked_since(tx, patient_id, tx.now - DAY) >= MOST_A_DAY:
        raise Refused(
            "too_many_requests",
            "These are many copies for one day. Please go on tomorrow.",
            retry_after_s=RETRY_AFTER_S,
        )
    export_id = store.insert(tx, actor, patient_id, tx.now + LASTS)
    tx.note(actor, "export", export_id, patient_id=patient_id)
    row = store.export_row(tx, export_id)
    assert row is not None, "it was just written"
    return store.export_of(row)


@guarded("export.download")
def take_export(tx: Transaction, actor: Actor, command: OneExport) -> Export:
    """It is being fetched, by nobody else meanwhile. Raises Refused: not_found (also where somebody
    else asked for it), gone."""
    row = store.export_row(tx, command.export_id)
    if row is None:
        raise hidden(tx, actor, "export", command.export_id)
    facts = facts_of(tx, row.patient_id)
    permit(tx, actor, msgspec.structs.replace(facts, kind="export", id=row.id))
    if row.created_by != actor.label:
        raise hidden(tx, actor, "export", row.id)
    held = store.export_of(row)
    if held.taken_at is not None or held.expires_at <= tx.now:
        raise _gone()
    try:
        store.take(tx, actor, held)
    except Refused:
        raise _gone() from None
    tx.note(actor, "export", held.id, patient_id=held.patient_id)
    return held


@guarded("export.return")
def return_export(tx: Transaction, actor: Actor, command: OneExport) -> None:
    """It did not arrive whole: it may be fetched again, in its time."""
    store.put_back(tx, actor, command.export_id)


def _gone() -> Refused:
    return Refused("gone", "This copy was fetched already, or not in time. Please ask anew.")

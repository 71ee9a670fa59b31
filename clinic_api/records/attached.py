"""Documents that are sent along with a message."""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.files.model import GIVEN_OUT
from clinic_api.records import documents_store as store
from clinic_api.transaction import Transaction


def attach(
    tx: Transaction,
    actor: Actor,
    patient_id: str,
    document_ids: tuple[str, ...],
    *,
    may_release: bool,
) -> None:
    """The documents are of this patient's record, and the patient sees them or sees them from now
    on, where whoever sends them may release them. Raises Refused(invalid)."""
    wrong: dict[str, str] = {}
    for index, document_id in enumerate(document_ids):
        row = store.document_row(tx, document_id)
        theirs = row is not None and row.patient_id == patient_id and row.withdrawn_at is None
        if row is None or not theirs or (row.released_at is None and not may_release):
            wrong[f"document_ids[{index}]"] = "There is no such document in this record."
        elif store.document_of(tx, row).file.state not in GIVEN_OUT:
            wrong[f"document_ids[{index}]"] = "The virus scanner has not let this file through."
        elif row.released_at is None:
            tx.update(store.documents, actor, row.id, released_at=tx.now)
            tx.note(actor, "document", row.id, patient_id=patient_id, event="release")
    if wrong:
        raise Refused("invalid", fields=wrong)

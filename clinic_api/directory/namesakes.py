"""Who may be the same person: records with the same name and date of birth."""

from __future__ import annotations

from datetime import date

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory import store
from clinic_api.directory.contacts import folded
from clinic_api.directory.model import Name, PatientSummary
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction


class Namesakes(msgspec.Struct, frozen=True, kw_only=True):
    """Of a record that somebody is about to make."""

    name: Name
    birth_date: date | None


@guarded("patient.search")
def find_namesakes(tx: Transaction, actor: Actor, command: Namesakes) -> tuple[PatientSummary, ...]:
    """Those with the same words in the name, in whatever order, case and accents, born on that day;
    a hint only, because twins and chance exist. None without a date of birth."""
    words = set(folded(command.name).split())
    born = [] if command.birth_date is None else store.patients_born_on(tx, command.birth_date)
    same = tuple(one for one in born if set(folded(one.name).split()) == words)
    tx.note(actor, "patient_search", shown=str(len(same)))
    return same

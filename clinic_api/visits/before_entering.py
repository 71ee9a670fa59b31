"""What somebody who is signed in reads before the tap into a visit; nothing is taken by it.

A page may be fetched without anybody's wish, as a prefetch or a preview does: the seat is taken by
`joining.take_seat`, which the tap posts.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.guarded import guarded
from clinic_api.organisation.store import organisation
from clinic_api.transaction import Transaction
from clinic_api.visits.model import Modality, is_open
from clinic_api.visits.own_seat import name_there
from clinic_api.visits.service import OneVisit, permitted


class Doorstep(msgspec.Struct, frozen=True, kw_only=True):
    """A visit as whoever may enter it, and as whom."""

    visit_id: str
    name: str
    modality: Modality


@guarded("visit.read")
def stand_before(tx: Transaction, actor: Actor, command: OneVisit) -> Doorstep:
    """Raises Refused: not_found, also for who has no seat there; visit_ended, with whom to call."""
    visit = permitted(tx, actor, command.visit_id)
    name = name_there(tx, actor, visit)
    if not is_open(visit, tx.now):
        phone = organisation(tx).phone
        way_out = f" You can call the clinic: {phone}." if phone else ""
        raise Refused("visit_ended", Refused("visit_ended").message + way_out)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    return Doorstep(visit_id=visit.id, name=name, modality=visit.declared_modality)

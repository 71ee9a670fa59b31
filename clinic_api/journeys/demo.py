"""The demo: a clinic that is set up, Bob its doctor, Alice his patient, and one visit of the two.

Their links hold for a month and on any number of devices, because whoever tries the demo opens them
here and there. When the visit is over there is a new one; nothing else is ever made twice.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.model import Patient, Practitioner
from clinic_api.directory.relations import relate
from clinic_api.directory.service import (
    CreatePatient,
    CreatePractitioner,
    create_patient,
    create_practitioner,
)
from clinic_api.guarded import guarded
from clinic_api.organisation.model import Profile
from clinic_api.organisation.service import make_ready
from clinic_api.organisation.store import organisation
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.model import Visit, is_open
from clinic_api.visits.seats import add_seat, link_of, patient_seat, provider_seat
from clinic_api.visits.service import known_visit

LASTS = timedelta(days=30)
CLINIC = Profile(
    name="Example Clinic",
    country="US",
    currency="USD",
    time_zone="America/New_York",
    phone="+12025550123",
)
BOB = CreatePractitioner(name="Dr. Bob Example", address="bob-example", accepts_walk_ins=True)
ALICE = CreatePatient(name="Alice Example")


class DemoVisit(msgspec.Struct, frozen=True):
    """The room, and the path of each link by who it is for; secret."""

    room: str
    paths: dict[str, str]


@guarded("demo.prepare")
def prepare_demo(tx: Transaction, actor: Actor) -> DemoVisit:
    """The demo's visit: the one of before while it is open, else a new one."""
    if organisation(tx).state == "new":
        make_ready(tx, actor, CLINIC)
    bob = people.practitioner_at(tx, BOB.address or "") or create_practitioner(tx, actor, BOB)
    visit = _open_visit(tx, bob) or _new_visit(tx, actor, bob)
    seats = {seat.role: seat for seat in store.participants_of(tx, visit.id)}
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    labels = {"doctor": seats["provider"], "patient": seats["patient"]}
    return DemoVisit(visit.room, {who: link_of(tx, seat).path for who, seat in labels.items()})


def _open_visit(tx: Transaction, bob: Practitioner) -> Visit | None:
    mine = store.visits.c.practitioner_id == bob.id
    demo = store.visits.c.room.startswith("demo-")
    for visit in store.list_visits(tx, mine, demo, after="", limit=1):
        whole = all(seat.revoked_at is None for seat in store.participants_of(tx, visit.id))
        if whole and is_open(visit, tx.now):
            return visit
    return None


def _new_visit(tx: Transaction, actor: Actor, bob: Practitioner) -> Visit:
    alice = _alice(tx, actor, bob)
    visit_id = store.insert_visit(
        tx,
        actor,
        "",
        room=f"demo-{secrets.token_hex(8)}",
        kind="instant",
        practitioner_id=bob.id,
        patient_id=alice.id,
        declared_modality="video",
        opens_at=tx.now,
        expires_at=tx.now + LASTS,
    )
    for seat in (provider_seat(bob), patient_seat(alice)):
        add_seat(tx, actor, visit_id, msgspec.structs.replace(seat, binds_device=False))
    return known_visit(tx, visit_id)


def _alice(tx: Transaction, actor: Actor, bob: Practitioner) -> Patient:
    mine = store.visits.c.practitioner_id == bob.id
    for visit in store.list_visits(tx, mine, after="", limit=1):
        known = people.patient(tx, visit.patient_id or "")
        if known is not None:
            return known
    alice = create_patient(tx, actor, ALICE)
    relate(tx, actor, alice.id, bob.id)
    return alice

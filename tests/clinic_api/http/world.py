"""A clinic with everybody in it, and one of everything that can be named in an address.

Alice is treated by Bob and has a login; Charlie signed up by himself and has a record of his own;
Dora is a doctor who treats neither; Sam came by a link to a visit of Dora's.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from clinic_api.actor import Actor, system
from clinic_api.auth import factor_store, session_store, store
from clinic_api.auth.api_keys import CreateApiKey, create_api_key
from clinic_api.auth.model import Level
from clinic_api.auth.new_login import NewLogin, new_user
from clinic_api.catalogue.service import (
    CreateLocation,
    CreateOffer,
    CreateService,
    create_location,
    create_offer,
    create_service,
)
from clinic_api.db import Database
from clinic_api.directory.csv_columns import CellError
from clinic_api.directory.import_model import CheckedRow, Report
from clinic_api.directory.importing import KeepImport, keep_import
from clinic_api.directory.merging import MergePatients, merge_patients
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.proxies import GrantProxy, grant_proxy
from clinic_api.directory.relations import of_user
from clinic_api.directory.service import CreatePractitioner, add_patient, create_practitioner
from clinic_api.export.model import AskExport
from clinic_api.export.service import ask_export
from clinic_api.files.model import ReceivedFile
from clinic_api.forms.definition import Definition, Question
from clinic_api.forms.service import CreateForm, create_form
from clinic_api.messages.model import OpenThread
from clinic_api.messages.service import open_thread
from clinic_api.organisation.model import Profile
from clinic_api.organisation.store import organisation, write_profile
from clinic_api.outbox import About, OutboxMessage, enqueue
from clinic_api.records.documents import add_document
from clinic_api.records.documents_model import AddDocument
from clinic_api.records.lists import NoteProblem, note_problem
from clinic_api.records.notes import DraftNote, draft_note
from clinic_api.records.observations import NoteObservation, note_observation
from clinic_api.records.templates import CreateTemplate, create_template
from clinic_api.scheduling.booking import Overbook, overbook
from clinic_api.scheduling.hours import AddException, AddHours, add_exception, add_hours
from clinic_api.transaction import Transaction
from clinic_api.visits import links
from clinic_api.visits.flows import enter
from clinic_api.visits.joining import Enter
from clinic_api.visits.service import CreateInstantVisit, InstantVisit, create_instant_visit

CONSOLE = system("console")
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
KEY_ACTION = "audit.read"  # what the program may do
ROLES: dict[str, frozenset[str]] = {
    "ada": frozenset({"admin"}),
    "bob": frozenset({"doctor"}),
    "dora": frozenset({"doctor"}),
    "ned": frozenset({"nurse"}),
    "carol": frozenset({"desk"}),
    "bill": frozenset({"billing"}),
    "alice": frozenset({"patient"}),
    "charlie": frozenset({"patient"}),
    "una": frozenset({"desk"}),  # has not shown her code yet
    "ena": frozenset({"desk"}),  # has no second factor yet
}
HALF: dict[str, tuple[Level, str]] = {
    "una": ("password", "unfinished"),
    "ena": ("enrolling", "enrolling"),
}


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who sends requests: by a cookie, by a bearer token, or by neither."""

    name: str
    held: frozenset[str]  # roles and kind, as the table of actions names them
    headers: dict[str, str]
    scopes: frozenset[str] | None = None


class World(msgspec.Struct, frozen=True):
    """`ids`: what a parameter of that name stands for; all of it is Alice's or Bob's."""

    people: dict[str, Person]
    ids: dict[str, str]


async def a_clinic(database: Database, origin: str) -> World:
    """`origin` is what the pages of the server that is asked would send."""
    users, ids = await database.write(_people)
    bob = await database.read(lambda tx: _acting(tx, users["bob"]))
    dora = await database.read(lambda tx: _acting(tx, users["dora"]))
    ids |= await database.write(lambda tx: _objects(tx, bob, ids))
    sams = await database.write(lambda tx: _visit(tx, dora, name="Sam"))
    token = sams.link.path.removeprefix(links.PATH)
    sam = await enter(database, Actor(kind="stranger"), Enter(token=token))
    secret, ids["key_id"] = await database.write(lambda tx: _key(tx, users["ada"]))
    people = {
        who: Person(
            name=who,
            held=frozenset({HALF[who][1], "user"}) if who in HALF else roles | {"user"},
            headers={"Cookie": f"__Host-session={_token(who)}", "Origin": origin},
        )
        for who, roles in ROLES.items()
    }
    people["sam"] = _program("sam", "participant", sam.device)
    people["program"] = msgspec.structs.replace(
        _program("program", "api_key", secret),
        held=frozenset({"api_key", "admin"}),
        scopes=frozenset({KEY_ACTION}),
    )
    people["stranger"] = Person(name="stranger", held=frozenset({"stranger"}), headers={})
    return World(people, ids)


def _program(name: str, kind: str, secret: str) -> Person:
    headers = {"Authorization": f"Bearer {secret}"}
    return Person(name=name, held=frozenset({kind}), headers=headers)


def _token(who: str) -> str:
    return f"session-of-{who}"


def _people(tx: Transaction) -> tuple[dict[str, str], dict[str, str]]:
    """Logins with open sessions, their records and practices; ids of some."""
    profile = Profile(
        name="Example Clinic",
        country="FR",
        currency="EUR",
        time_zone="Europe/Paris",
        phone="+33142685300",
    )
    write_profile(tx, CONSOLE, profile, organisation(tx).version, "ready")
    users = {who: _user(tx, who) for who in ROLES}
    sessions = {who: _session(tx, who, user_id) for who, user_id in users.items()}
    bob, _ = (
        create_practitioner(
            tx,
            CONSOLE,
            CreatePractitioner(
                name=f"Dr. {who}", user_id=users[who], address=who, accepts_walk_ins=True
            ),
        )
        for who in ("bob", "dora")
    )
    alice, _ = (
        add_patient(
            tx,
            CONSOLE,
            PatientDetails(name=who, birth_date=date(1980, 5, 17)),
            "matched",
            users[who],
        )
        for who in ("alice", "charlie")
    )
    return users, {
        "patient_id": alice,
        "practitioner_id": bob.id,
        "user_id": users["bob"],
        "session_id": sessions["bob"],
        "address": "bob",
        "slug": "bob",
    }


def _user(tx: Transaction, who: str) -> str:
    user = new_user(tx, CONSOLE, NewLogin(login=who + "-1", display_name=who), ROLES[who])
    store.change_user(tx, CONSOLE, user.id, state="active")
    if who != "ena":
        factor_store.add_pending(tx, CONSOLE, user.id, SECRET)
        pending = factor_store.factor(tx, user.id, "pending")
        assert pending is not None
        factor_store.activate(tx, CONSOLE, pending, 0)
    return user.id


def _session(tx: Transaction, who: str, user_id: str) -> str:
    level: Level = HALF[who][0] if who in HALF else "full"
    return session_store.add_session(
        tx,
        CONSOLE,
        user_id=user_id,
        token=_token(who),
        level=level,
        device="computer",
        stepped_up_at=None if who in HALF else tx.now,
    )


def _acting(tx: Transaction, user_id: str) -> Actor:
    treats = of_user(tx, user_id).practitioner_id
    return Actor(kind="user", id=user_id, roles=frozenset({"doctor"}), practitioner_id=treats)


def _objects(tx: Transaction, bob: Actor, ids: dict[str, str]) -> dict[str, str]:
    assert bob.practitioner_id is not None
    made = _visit(
        tx,
        CONSOLE,
        patient_id=ids["patient_id"],
        practitioner_id=bob.practitioner_id,
        email="alice@example.org",
    )
    proxy = grant_proxy(tx, CONSOLE, GrantProxy(patient_id=ids["patient_id"], name="Eve"))
    one, other = (
        add_patient(tx, CONSOLE, PatientDetails(name="Twin"), "matched") for _ in range(2)
    )
    merged = merge_patients(tx, CONSOLE, MergePatients(patient_id=one, target_id=other, version=1))
    place = create_location(tx, CONSOLE, CreateLocation(name="Main", time_zone="Europe/Paris"))
    service = create_service(tx, CONSOLE, CreateService(name="Follow-up"))
    question = Question(key="why", kind="text", labels={"en": "Why do you come?"})
    asked = Definition(titles={"en": "Before the visit"}, questions=(question,))
    form = create_form(tx, CONSOLE, CreateForm(name="Intake", definition=asked))
    cough = NoteProblem(patient_id=ids["patient_id"], text="Cough")
    entry = note_problem(tx, CONSOLE, cough)
    pulse = NoteObservation(
        patient_id=ids["patient_id"], kind="heart_rate", value=60.0, unit="/min"
    )
    observation = note_observation(tx, CONSOLE, pulse)
    opened = OpenThread(patient_id=ids["patient_id"], subject="Papers", text="Which do I need?")
    thread = open_thread(tx, CONSOLE, opened).thread
    drafted = draft_note(tx, bob, DraftNote(patient_id=ids["patient_id"], plan="Rest"))
    template = create_template(tx, bob, CreateTemplate(name="Cold", plan="Rest, {patient}"))
    give = CreateOffer(service_id=service.id, practitioner_id=bob.practitioner_id)
    create_offer(tx, CONSOLE, give)
    booked = overbook(tx, CONSOLE, _appointment(tx, bob.practitioner_id, service.id, ids))
    hours = add_hours(tx, CONSOLE, _hours(tx, bob.practitioner_id))
    off = add_exception(tx, CONSOLE, _day_off(bob.practitioner_id))
    about = About(visit_id=made.id, participant_id=made.link.participant_id)
    invitation = OutboxMessage(
        kind="visit.invitation",
        audience="patient",
        dedupe_key="invitation of Alice",
        recipient="alice@example.org",
        about=about,
    )
    message_id = enqueue(tx, CONSOLE, invitation)
    document_id = _document(tx, ids["patient_id"])
    import_id = _import(tx)
    return {
        "visit_id": made.id,
        "participant_id": made.link.participant_id,
        "proxy_id": proxy.id,
        "location_id": place.id,
        "service_id": service.id,
        "appointment_id": booked.id,
        "rule_id": hours.id,
        "exception_id": off.id,
        "form_id": form.id,
        "note_id": drafted.id,
        "template_id": template.id,
        "thread_id": thread.id,
        "entry_id": entry.id,
        "observation_id": observation.id,
        "merge_id": merged.id,
        "document_id": document_id,
        "import_id": import_id,
        "export_id": ask_export(tx, CONSOLE, AskExport(ids["patient_id"])).id,
        "id": message_id,
        "message_id": message_id,
    }


def _appointment(
    tx: Transaction, practitioner_id: str, service_id: str, ids: dict[str, str]
) -> Overbook:
    """In two days, to the minute."""
    return Overbook(
        patient_id=ids["patient_id"],
        service_id=service_id,
        practitioner_id=practitioner_id,
        starts_at=(tx.now + timedelta(days=2)).replace(second=0, microsecond=0),
        why="It is urgent.",
    )


def _hours(tx: Transaction, practitioner_id: str) -> AddHours:
    return AddHours(
        practitioner_id=practitioner_id,
        weekday=0,
        from_time="09:00",
        until_time="12:00",
        valid_from=tx.now.date(),
    )


def _day_off(practitioner_id: str) -> AddException:
    return AddException(
        practitioner_id=practitioner_id,
        kind="block",
        starts_local="2031-01-01T00:00",
        ends_local="2031-01-02T00:00",
    )


def _document(tx: Transaction, patient_id: str) -> str:
    """Released to Alice; its file is not on disk."""
    file = ReceivedFile(
        id=tx.new_id(),
        name="letter.pdf",
        media_type="application/pdf",
        size=0,
        sha256="0" * 64,
        state="received",
    )
    return add_document(tx, CONSOLE, AddDocument(patient_id=patient_id), file).id


def _import(tx: Transaction) -> str:
    """A checked file with one row that is wrong; it is not on disk."""
    file = ReceivedFile(
        id=tx.new_id(),
        name="people.csv",
        media_type="text/csv",
        size=0,
        sha256="0" * 64,
        state="received",
    )
    wrong = CheckedRow(line=2, name="", errors=(CellError("name", "Please give a name."),))
    report = Report(began_at=tx.now, rows=1, unknown_columns=(), lines=(wrong,))
    return keep_import(tx, CONSOLE, KeepImport(kind="patients", file=file, report=report)).id


def _visit(tx: Transaction, actor: Actor, **values: str) -> InstantVisit:
    return create_instant_visit(tx, actor, msgspec.convert(values, CreateInstantVisit))


def _key(tx: Transaction, owner_id: str) -> tuple[str, str]:
    command = CreateApiKey(label="Reports", actions=(KEY_ACTION,))
    ada = Actor(kind="user", id=owner_id, roles=ROLES["ada"], stepped_up_at=tx.now)
    made = create_api_key(tx, ada, command)
    return made.secret, made.api_key.id

"""A guest of a visit (an interpreter, a sister) learns what coming needs, nothing of the case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
from aiohttp.test_utils import TestClient, TestServer

from clinic_api import api
from clinic_api.actor import Actor
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.relations import of_user
from clinic_api.directory.service import CreatePractitioner, add_patient, create_practitioner
from clinic_api.http.examples import example_of
from clinic_api.http.server import API
from clinic_api.transaction import Transaction
from clinic_api.visits import links
from clinic_api.visits.check_in_store import Answers, insert_check_in
from clinic_api.visits.flows import enter
from clinic_api.visits.invitations import Invite, invite
from clinic_api.visits.joining import Enter, participant_actor
from clinic_api.visits.service import CreateInstantVisit, create_instant_visit
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import CONSOLE

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")

REASON, WHERE = "canary of a rash", "canary of Elm Street"
PHONE, EMAIL, BORN = "+12025550123", "canary@example.org", "1984-02-29"


@pytest.fixture
async def client(sqlite_database: Database) -> AsyncIterator[Client]:
    app = bare_app()
    authenticate = authenticator(sqlite_database, of_user, participant_actor)
    api.add_api(app, sqlite_database, authenticate, UNLIMITED)
    async with TestClient(TestServer(app)) as each:
        yield each


def a_visit(tx: Transaction) -> tuple[dict[str, str], str]:
    """Ids of Alice's visit with everything in it, and the token of Ines's link."""
    bob = create_practitioner(tx, CONSOLE, CreatePractitioner(name="Dr. Bob"))
    alice = add_patient(
        tx,
        CONSOLE,
        PatientDetails(
            name="Alice", birth_date=date.fromisoformat(BORN), phones=(PHONE,), emails=(EMAIL,)
        ),
        "matched",
    )
    made = create_instant_visit(
        tx, CONSOLE, CreateInstantVisit(patient_id=alice, practitioner_id=bob.id, reason=REASON)
    )
    seat = made.link.participant_id
    insert_check_in(
        tx,
        CONSOLE,
        Answers(location=WHERE, callback=PHONE, emergency_contact="", others_present=""),
        visit_id=made.id,
        participant_id=seat,
        patient_id=alice,
        identity_method="link",
    )
    invited = invite(tx, CONSOLE, Invite(visit_id=made.id, role="guest", name="Ines"))
    ids = {"visit_id": made.id, "patient_id": alice, "participant_id": seat}
    return ids | {"practitioner_id": bob.id}, invited.path.removeprefix(links.PATH)


async def test_no_route_tells_a_guest_anything_of_the_patients_case(
    client: Client, sqlite_database: Database
) -> None:
    ids, token = await sqlite_database.write(a_visit)
    ines = await enter(sqlite_database, Actor(kind="stranger"), Enter(token=token))
    headers = {"Authorization": f"Bearer {ines.device}"}
    answered, told = set(), []
    for route in api.ROUTES:
        if set(route.path_fields) - ids.keys():
            continue
        body = example_of(route.sent) if route.has_body else None
        answer = await client.request(
            route.method, API + route.path.format_map(ids), json=body, headers=headers
        )
        text = await answer.text()
        answered |= {repr(route)} if answer.status == 200 else set()
        told += [
            (repr(route), word) for word in (REASON, WHERE, PHONE, EMAIL, BORN) if word in text
        ]
    assert "GET /visits/{visit_id}" in answered
    assert not told

"""Many patients want the same time at once, over real HTTP, each from an address of their own."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import TCPConnector
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from clinic_api import api
from clinic_api.auth import session_store, store
from clinic_api.auth.authentication import authenticator
from clinic_api.auth.new_login import NewLogin, new_user
from clinic_api.db import Database
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.relations import of_user
from clinic_api.directory.service import add_patient
from clinic_api.scheduling.store import appointments
from clinic_api.transaction import Transaction
from clinic_api.visits.joining import participant_actor
from tests.clinic_api.http.conftest import bare_app
from tests.clinic_api.scheduling.cast import NINE, Practice
from tests.clinic_api.scheduling.racers import Answer, Given
from tests.clinic_api.visits.cast import CONSOLE

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")
API = "/api/v1"
PROMISE_S = 1.0  # for whoever is too late
Client = TestClient[Request, Application]


class Racer(msgspec.Struct, frozen=True):
    """A patient with an open session and an address of the own."""

    patient_id: str
    headers: dict[str, str]


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """What a racer got, and when."""

    racer: Racer
    status: int
    body: dict[str, object]
    took_s: float


@pytest.fixture
async def client(database: Database) -> AsyncIterator[Client]:
    """The whole API with the rate limits that it ships with."""
    app = bare_app()
    api.add_api(app, database, authenticator(database, of_user, participant_actor))
    connector = TCPConnector(limit=0)
    async with TestClient(TestServer(app), connector=connector) as each:
        yield each


async def lined_up(clinic: Practice, client: Client, count: int) -> list[Racer]:
    """So many patients, signed in."""
    origin = f"http://{client.host}:{client.port}"

    def make(tx: Transaction) -> list[Racer]:
        return [_racer(tx, number, origin) for number in range(count)]

    return await clinic.database.write(make)


def _racer(tx: Transaction, number: int, origin: str) -> Racer:
    name = f"patient-{number}"
    user = new_user(tx, CONSOLE, NewLogin(login=name, display_name=name), frozenset({"patient"}))
    store.change_user(tx, CONSOLE, user.id, state="active")
    session_store.add_session(
        tx,
        CONSOLE,
        user_id=user.id,
        token=f"session-of-{name}",
        level="full",
        device="computer",
        stepped_up_at=None,
    )
    patient_id = add_patient(tx, CONSOLE, PatientDetails(name=name), "matched", user.id)
    headers = {
        "Cookie": f"__Host-session=session-of-{name}",
        "Origin": origin,
        "X-Forwarded-For": f"203.0.{number // 250}.{number % 250 + 1}",
    }
    return Racer(patient_id, headers)


async def look(clinic: Practice, client: Client, racers: list[Racer]) -> None:
    """They see that the time is free, and the server has been at work for a while."""
    asked = {"service_id": clinic.service_id, "from_day": "2026-06-01", "until_day": "2026-06-01"}

    async def run(racer: Racer) -> str:
        async with client.get(f"{API}/slots", params=asked, headers=racer.headers) as answer:
            return str((await answer.json())["items"][0]["local"])

    seen = await asyncio.gather(*(run(each) for each in racers))
    assert set(seen) == {"2026-06-01T09:00"}


async def race(clinic: Practice, client: Client, racers: list[Racer]) -> list[Finish]:
    """All at once for 09:00 on Monday, from a process of their own."""
    given = Given(int(client.port or 0), [_request(clinic, client, each) for each in racers])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.clinic_api.scheduling.racers", stdin=PIPE, stdout=PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(msgspec.json.encode(given)), 60)
    answers = msgspec.json.decode(output, type=list[Answer])
    return [
        Finish(
            racer=racer,
            status=answer.status,
            body=msgspec.json.decode(answer.body),
            took_s=answer.took_s,
        )
        for racer, answer in zip(racers, answers, strict=True)
    ]


def _request(clinic: Practice, client: Client, racer: Racer) -> str:
    wanted = {
        "patient_id": racer.patient_id,
        "service_id": clinic.service_id,
        "practitioner_id": clinic.bob_id,
        "starts_at": NINE.isoformat(),
    }
    body = msgspec.json.encode(wanted).decode()
    headers = racer.headers | {
        "Host": f"{client.host}:{client.port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    lines = [f"POST {API}/appointments/hold HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join((*lines, "", body))


async def confirmed(client: Client, winner: Finish) -> int:
    path = f"{API}/appointments/{winner.body['id']}/confirm"
    headers = winner.racer.headers | {"If-Match": '"1"', "Idempotency-Key": "once"}
    statuses = set()
    for _ in range(2):  # sent twice, carried out once
        async with client.post(path, json={}, headers=headers) as answer:
            statuses.add(answer.status)
    (status,) = statuses
    return status


async def check(clinic: Practice, client: Client, count: int, within_s: float) -> float:
    """The slowest answer; exactly one booking, and others for everybody else."""
    racers = await lined_up(clinic, client, count)
    await look(clinic, client, racers[:20])
    finishes = await race(clinic, client, racers)
    assert Counter(each.status for each in finishes) == {201: 1, 409: count - 1}
    (winner,) = (each for each in finishes if each.status == 201)
    assert await confirmed(client, winner) == 200
    states = Counter(row.state for row in await clinic.rows(appointments))
    assert states == {"booked": 1}
    assert await clinic.overlaps() == 0
    for each in finishes:
        if each is not winner:
            assert each.body["code"] == "slot_taken"
            assert len(each.body["alternatives"]) == 6  # type: ignore[arg-type]
    slowest_s = max(each.took_s for each in finishes)
    assert slowest_s <= within_s
    return slowest_s


async def test_of_forty_who_want_one_time_one_gets_it(
    clinic_on_both: Practice, client: Client
) -> None:
    await check(clinic_on_both, client, 40, 3 * PROMISE_S)


@pytest.mark.prove
async def test_of_two_hundred_who_want_one_time_one_gets_it_and_all_know_within_a_second(
    clinic_on_both: Practice, client: Client
) -> None:
    slowest_s = await check(clinic_on_both, client, 200, PROMISE_S)
    sys.stdout.write(f"slowest of 200 answers: {slowest_s:.2f} s\n")

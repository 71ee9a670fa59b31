"""Patients: found and put right by those who may, and by nobody else."""

from __future__ import annotations

import pytest

from clinic_api.db import Database
from clinic_api.directory.model import Address, PatientDetails
from clinic_api.directory.service import (
    ChangePatient,
    OnePatient,
    add_patient,
    change_patient,
    read_patient,
)
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock
from tests.clinic_api.http.world import CONSOLE, World
from tests.web.portal.conftest import Reader, Readers

RIGHT = {
    "name": "Alice Example",
    "birth_date": "1981-06-07",
    "sex": "female",
    "phones": "+33 1 42 68 53 00\r\n+33 6 12 34 56 78",
    "emails": "alice@example.org",
    "emergency_name": "Eve Example",
    "emergency_relationship": "sister",
    "emergency_phone": "+33 6 00 00 00 00",
    "version": "1",
}


@pytest.fixture
def record(world: World) -> str:
    """The address of Alice's page."""
    return f"/patients/{world.ids['patient_id']}"


@pytest.fixture
def carol(reader: Readers) -> Reader:
    return reader("carol")


async def test_the_desk_finds_a_patient_and_no_name_is_in_an_address(
    carol: Reader, record: str
) -> None:
    found = await carol.post("/patients/search", text="ali")
    assert (found.status, f'href="{record}"' in found.text) == (200, True)
    assert "charlie" not in found.words
    assert "?" not in found.path
    assert "Nobody was found" in (await carol.post("/patients/search", text="zoe")).words


async def test_the_list_goes_on_until_its_end(
    carol: Reader, clock: Clock, sqlite_database: Database
) -> None:
    def add(tx: Transaction) -> None:
        for number in range(60):
            add_patient(tx, CONSOLE, PatientDetails(name=f"Person {number:02}"), "matched")

    clock.advance(1)
    await sqlite_database.write(add)
    first = await carol.open("/patients")
    assert "Person 59" not in first.words
    second = await carol.post("/patients/search", text="", cursor=first.fields()["cursor"])
    assert ("Person 59" in second.words, "Person 00" in second.words) == (True, False)
    assert "Show more" not in second.words


async def test_the_desk_puts_a_record_right(carol: Reader, record: str) -> None:
    sent = (await carol.open(f"{record}/edit")).fields()
    assert (sent["name"], sent["birth_date"]) == ("alice", "1980-05-17")
    done = await carol.post(f"{record}/edit", **(sent | RIGHT | {"version": sent["version"]}))
    assert (done.status, done.path) == (303, record)
    page = (await carol.open(record)).words
    for text in ("Alice Example", "07 Jun 1981", "+33142685300, +33612345678"):
        assert text in page
    assert "Eve Example (sister), +33 6 00 00 00 00" in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("birth_date", "yesterday"),
        ("birth_date", "2999-01-01"),
        ("name", ""),
        ("phones", "12"),
        ("emails", "alice at home"),
        ("emails", "\n".join(f"a{n}@example.org" for n in range(6))),
        ("emergency_name", "x" * 201),
    ],
)
async def test_a_wrong_field_is_told_where_it_stands(
    carol: Reader, record: str, field: str, value: str
) -> None:
    version = (await carol.open(f"{record}/edit")).fields()["version"]
    said = RIGHT | {field: value, "version": version}
    page = await carol.post(f"{record}/edit", **said)
    assert page.status == 422
    assert f'id="{field}-error"' in page.text
    assert page.tag(field).count("autofocus") == 1
    assert page.fields()["emergency_relationship"] == "sister"


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    carol: Reader, reader: Readers, record: str
) -> None:
    version = (await carol.open(f"{record}/edit")).fields()["version"]
    await reader("ada").post(f"{record}/edit", **(RIGHT | {"version": version}))
    late = await carol.post(
        f"{record}/edit", **(RIGHT | {"version": version, "name": "Somebody Else"})
    )
    assert (late.status, "Somebody changed this" in late.words) == (412, True)
    assert "Alice Example" in (await carol.open(record)).words


async def test_alice_changes_her_contacts_and_not_who_she_is(reader: Readers, record: str) -> None:
    alice = reader("alice")
    sent = (await alice.open(f"{record}/edit")).fields()
    assert "name" not in sent
    done = await alice.post(f"{record}/edit", **(RIGHT | {"version": sent["version"]}))
    assert done.status == 303
    page = (await alice.open(record)).words
    assert ("alice@example.org" in page, "Alice Example" in page) == (True, False)
    assert "17 May 1980" in page


@pytest.mark.parametrize("who", ["charlie", "dora", "bill"])
async def test_others_change_nothing(reader: Readers, record: str, who: str) -> None:
    for answer in (
        await reader(who).open(f"{record}/edit"),
        await reader(who).post(f"{record}/edit", **RIGHT),
    ):
        assert answer.status == (403 if who == "bill" else 404)
    assert "Change" not in (await reader(who).open(record)).words


async def test_contacts_can_be_taken_away_and_what_the_form_does_not_have_is_kept(
    carol: Reader, world: World, record: str, sqlite_database: Database
) -> None:
    patient_id = world.ids["patient_id"]
    given = ChangePatient(
        patient_id=patient_id,
        version=1,
        name="alice",
        phones=("+33142685300",),
        address=Address(city="Lyon"),
        language="fr",
    )
    await sqlite_database.write(lambda tx: change_patient(tx, CONSOLE, given))
    sent = (await carol.open(f"{record}/edit")).fields()
    assert (await carol.post(f"{record}/edit", **(sent | {"phones": ""}))).status == 303
    one = OnePatient(patient_id)
    kept = await sqlite_database.read(lambda tx: read_patient(tx, CONSOLE, one))
    assert kept.details == PatientDetails(name="alice", address=Address(city="Lyon"), language="fr")

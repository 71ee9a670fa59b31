"""People come in from a file: checked without a trace, then written as was decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from clinic_api.actor import Actor, system
from clinic_api.directory import import_flows, import_store, importing
from clinic_api.directory.import_flows import apply_import
from clinic_api.directory.import_model import ApplyImport, Decision, OneImport
from clinic_api.directory.importing import read_import
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.service import CreatePatient, OnePatient, create_patient, read_patient
from clinic_api.directory.store import patients, practitioners
from clinic_api.errors import Refused
from clinic_api.files.store import files
from clinic_api.housekeeping import clean
from clinic_api.transaction import Transaction
from tests.clinic_api.directory.imports import ada, applied, checked, rows_of
from tests.clinic_api.visits.cast import CAROL, Clinic

HEADER = "Name,Date of birth,Gender,Phone,E-Mail,Shoe size\n"
ALICE = "Alice Müller,1984-02-29,f,+12025550111,Alice@Example.org,38\n"


async def names(clinic: Clinic) -> list[str]:
    return sorted(row.name for row in await clinic.rows(patients))


async def alice(clinic: Clinic, **values: Any) -> str:
    command = CreatePatient(name="Müller Alice", birth_date=date(1984, 2, 29), **values)
    return (await clinic.do(create_patient, CAROL, command)).id


async def test_a_check_tells_everything_and_writes_nobody(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    known = await alice(clinic)
    bad = "\n,31.02.1990,x,12,nobody,\n=1+1,2999-01-01,,,,\n"
    one = await checked(clinic, HEADER + ALICE + bad)
    assert await names(clinic) == ["Müller Alice"]
    assert (one.rows, one.wrong, one.alike, one.done) == (3, 2, 1, 0)
    assert one.unknown_columns == ("Shoe size",)
    like, wrong, formula = await rows_of(clinic, one)
    assert (like.line, like.candidates[0].record_id) == (2, known)
    assert like.candidates[0].reasons == ("name",)
    assert wrong.line == 4
    assert [error.column for error in wrong.errors] == [
        "birth_date", "sex", "phone", "email", "name",
    ]  # fmt: skip
    assert wrong.errors[0].message == "There is no such day."
    assert (formula.line, formula.name) == (5, "=1+1")
    assert formula.errors[0].message == "This day has not come yet."
    stored = (await clinic.rows(import_store.imports))[0]
    assert "Müller".encode() not in stored.report


async def test_what_is_right_is_written_and_audited_row_by_row(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    one = await checked(clinic, HEADER + ALICE + "Bea,05.03.1990,,,,\n,,,,,\nx,1990,,,,\n")
    done = await applied(clinic, one)
    assert (done.state, done.created, done.skipped, done.done) == ("applied", 2, 1, 3)
    rows = {row.name: row for row in await clinic.rows(patients)}
    assert (rows["Bea"].birth_date, rows["Bea"].state) == (date(1990, 3, 5), "matched")
    shown = await clinic.see(read_patient, CAROL, OnePatient(rows["Alice Müller"].id))
    assert shown.details == PatientDetails(
        name="Alice Müller",
        birth_date=date(1984, 2, 29),
        sex="female",
        phones=("+12025550111",),
        emails=("alice@example.org",),
    )
    audited = await clinic.audited("import.apply")
    assert {row.patient_id for row in audited} == {"", *(row.id for row in rows.values())}
    again = await applied(clinic, one)
    assert (again.created, len(await names(clinic))) == (2, 2)


async def test_each_likeness_is_decided_on(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    known = await alice(clinic, phones=("+12025550100",))
    rows = (
        ALICE + "Ben,,,+1 202 555 0111,,\n" + "Cem,,,,cem@example.org,\nDan,,,,CEM@example.org,\n"
    )
    one = await checked(clinic, HEADER + rows)
    _, number, mailbox = await rows_of(clinic, one)
    assert [each.candidates[0].line for each in (number, mailbox)] == [2, 4]
    with pytest.raises(Refused) as refused:
        await applied(clinic, one)
    assert refused.value.fields == {"decisions": "Please decide on line 2, 3, 5."}
    update = Decision(line=2, action="update_contacts", record_id=known)
    others = (Decision(line=3, action="new"), Decision(line=5, action="skip"))
    foreign = Decision(line=3, action="update_contacts", record_id=known)
    with pytest.raises(Refused, match="Some fields"):
        await applied(clinic, one, update, foreign, others[1])
    assert len(await names(clinic)) == 1
    done = await applied(clinic, one, update, *others)
    assert (done.created, done.updated, done.skipped) == (2, 1, 1)
    assert await names(clinic) == ["Ben", "Cem", "Müller Alice"]
    details = (await clinic.see(read_patient, CAROL, OnePatient(known))).details
    assert details.phones == ("+12025550111", "+12025550100")
    assert details.emails == ("alice@example.org",)
    assert details.sex == "unknown"


async def test_whoever_was_added_after_the_check_is_not_added_twice(clinic: Clinic) -> None:
    one = await checked(clinic, HEADER + ALICE)
    clinic.clock.advance(60)
    await alice(clinic)
    done = await applied(clinic, one)
    assert (done.created, done.refused) == (0, 1)
    (row,) = await rows_of(clinic, one)
    assert (row.line, row.outcome, row.why) == (2, "refused", "new_likeness")


async def test_an_application_goes_on_where_it_stopped(
    clinic_on_both: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = clinic_on_both
    monkeypatch.setattr(import_flows, "ROWS_AT_ONCE", 2)
    one = await checked(clinic, "name\n" + "".join(f"Patient {each}\n" for each in range(7)))
    real: Callable[..., Any] = importing.apply_rows

    def dying(tx: Transaction, actor: Actor, command: importing.ApplyRows) -> Any:
        result = real(tx, actor, command)
        if command.done == 4:
            raise RuntimeError("the power is gone")
        return result

    monkeypatch.setattr(import_flows, "apply_rows", dying)
    with pytest.raises(RuntimeError):
        await applied(clinic, one)
    half = await clinic.see(read_import, ada(clinic), OneImport(one.id))
    assert (half.state, half.done, len(await names(clinic))) == ("applying", 4, 4)
    monkeypatch.setattr(import_flows, "apply_rows", real)
    assert (await applied(clinic, one)).created == 7
    assert await names(clinic) == [f"Patient {each}" for each in range(7)]


async def test_a_long_application_answers_in_between_and_is_asked_again(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_flows, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(import_flows, "ANSWER_AFTER", timedelta(0))
    one = await checked(clinic, "name\nA\nB\nC\n")
    first = await applied(clinic, one)
    assert (first.state, first.done, first.created) == ("applying", 2, 2)
    second = await applied(clinic, one)
    assert (second.state, second.done, second.created) == ("applied", 3, 3)


async def test_two_who_apply_at_once_write_nobody_twice(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    one = await checked(clinic, "name\n" + "".join(f"Patient {each}\n" for each in range(300)))
    both = (applied(clinic, one) for _ in range(2))
    results = await asyncio.gather(*both, return_exceptions=True)
    codes = {result.code for result in results if isinstance(result, Refused)}
    assert codes <= {"conflict", "stale"}
    assert (await applied(clinic, one)).created == 300
    assert len(await names(clinic)) == 300


async def test_practitioners_come_in_with_an_address_of_their_own(clinic: Clinic) -> None:
    text = "name;specialty;languages;slug;walk-ins\nDora;Skin;en, fr;dora;yes\n"
    text += "Dr. Bob;;;;\nEve;;;bob;\nFay;;;dora;maybe\n"
    one = await checked(clinic, text, "practitioners")
    bob, eve, fay = await rows_of(clinic, one)
    assert bob.candidates[0].record_id == clinic.bob.practitioner_id
    assert [error.column for error in eve.errors] == ["address"]
    assert [error.message for error in fay.errors] == ["Write yes or no."]
    done = await applied(clinic, one, Decision(line=3, action="skip"))
    assert (done.created, done.skipped) == (1, 3)
    dora = next(row for row in await clinic.rows(practitioners) if row.name == "Dora")
    assert (dora.address, dora.accepts_walk_ins, dora.languages) == ("dora", True, '["en","fr"]')


async def test_an_import_is_forgotten_after_a_day(clinic: Clinic) -> None:
    one = await checked(clinic, HEADER + ALICE)
    await applied(clinic, one)
    clinic.clock.advance(timedelta(hours=25).total_seconds())
    refused = await clinic.refusal(read_import, ada(clinic), OneImport(one.id))
    assert refused.code == "not_found"
    await clinic.database.write(lambda tx: clean(tx, system("jobs")))
    for table in (import_store.imports, import_store.import_rows, files):
        assert await clinic.rows(table) == []
    assert await names(clinic) == ["Alice Müller"]


async def test_only_an_admin_with_a_fresh_code_imports(clinic: Clinic) -> None:
    one = await checked(clinic, HEADER + ALICE)
    command = ApplyImport(import_id=one.id)
    stale = msgspec.structs.replace(ada(clinic), stepped_up_at=None)
    for actor, code in (
        (CAROL, "not_allowed"),
        (clinic.bob, "not_allowed"),
        (stale, "step_up_needed"),
    ):
        with pytest.raises(Refused) as refused:
            await apply_import(clinic.database, actor, command)
        assert refused.value.code == code
    assert await names(clinic) == []

"""The copy of a record: what is in it, for people and for programs, and that it is nowhere else."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from fhir.resources.R4B.bundle import Bundle

from clinic_api.actor import Actor
from clinic_api.audit.service import ReadAccessLog, read_access_log
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.export.flows import download_export
from clinic_api.export.model import AskExport, OneExport
from clinic_api.export.service import ask_export
from clinic_api.export.zipping import ZipStream
from clinic_api.opening import Place, open_database
from clinic_api.records.notes import OneNote, WithholdNote, read_note, withhold_note
from tests.clinic_api.conftest import Clock, place_in
from tests.clinic_api.export.cast import CANARY, NAMES, Record, a_record, all_of, copy_of, fresh
from tests.clinic_api.export.reading_pdf import flat, text_of
from tests.clinic_api.files.samples import pdf
from tests.clinic_api.visits.cast import CAROL, CHARLIE, Clinic, opened

pytestmark = pytest.mark.slow
DAY_S = 24 * 3600.0


@pytest.fixture
async def clinic(sqlite_database: Database, clock: Clock) -> Clinic:
    return await opened(sqlite_database, clock)


@pytest.fixture
async def record(clinic: Clinic) -> Record:
    return await a_record(clinic, NAMES[1])


@pytest.fixture(scope="module")
def entries(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """By name, of one whole archive that no test changes."""
    folder = tmp_path_factory.mktemp("archive") / "clinic"
    shutil.copytree(sqlite_template, folder)

    async def copied() -> bytes:
        clock = Clock()
        async with await open_database(place_in(folder), clock=clock) as database:
            return await copy_of(await a_record(await opened(database, clock), NAMES[1]))

    with zipfile.ZipFile(io.BytesIO(asyncio.run(copied()))) as read:
        assert read.testzip() is None
        return {name: read.read(name) for name in read.namelist()}


def resources(entries: dict[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    """By type."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in json.loads(entries["record.fhir.json"])["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


async def test_it_holds_the_page_the_paper_the_bundle_and_the_files(
    entries: dict[str, bytes],
) -> None:
    index, paper, bundle, file = entries
    assert (index, paper, bundle) == ("index.html", "record.pdf", "record.fhir.json")
    assert file.startswith("files/2026-05-28 ")
    assert file.endswith("My .._letter.pdf")
    assert entries[file] == pdf(200_000)


async def test_the_page_and_the_paper_say_everything(entries: dict[str, bytes]) -> None:
    page, paper = entries["index.html"].decode(), flat(text_of(entries["record.pdf"]))
    for said in (
        NAMES[1],
        f"Nuts {CANARY}; rash; mild; said by the patient",
        f"Asthma {CANARY}; since 2019-05",
        f"Salbutamol; 2 puffs {CANARY}",
        "120/80 mm[Hg]",
        f"Cough {CANARY}",
        f"Breath {CANARY}",
        "Yes!",
        "telehealth: given",
        f"Łukasz: Hello {CANARY}",
        f"Rest {CANARY}, ≤ 38.5 °C",
        f"Added {CANARY}",
        f"Letter {CANARY}",
        f"Messages: Pills {CANARY}",
        f"When? {CANARY}",
    ):
        assert said in page, said
        assert said.replace(" ", "") in paper.replace(" ", ""), said


async def test_the_page_runs_and_loads_nothing(clinic: Clinic) -> None:
    record = await a_record(clinic, "<script>alert(1)</script>")
    with zipfile.ZipFile(io.BytesIO(await copy_of(record))) as read:
        page = read.read("index.html").decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


async def test_the_bundle_is_valid_fhir_and_its_references_are_in_it(
    entries: dict[str, bytes],
) -> None:
    bundle = Bundle.model_validate_json(entries["record.fhir.json"])
    urls = [entry.fullUrl for entry in bundle.entry or ()]
    assert len(set(urls)) == len(urls)
    text = entries["record.fhir.json"].decode()
    referred = {part.split('"')[0] for part in text.split('"reference":"')[1:]}
    assert referred <= set(urls)
    assert {kind: len(found) for kind, found in resources(entries).items()} == {
        "Organization": 1,
        "Patient": 1,
        "AllergyIntolerance": 1,
        "Condition": 1,
        "MedicationStatement": 1,
        "Observation": 1,
        "Encounter": 1,
        "Composition": 1,
        "QuestionnaireResponse": 1,
        "Communication": 2,
        "DocumentReference": 1,
    }


async def test_the_bundle_says_what_was_said(entries: dict[str, bytes]) -> None:
    held = resources(entries)
    (patient,) = held["Patient"]
    assert (patient["name"], patient["birthDate"]) == ([{"text": NAMES[1]}], "1984-02-29")
    (allergy,) = held["AllergyIntolerance"]
    assert allergy["verificationStatus"]["coding"][0]["code"] == "unconfirmed"
    assert allergy["reaction"] == [{"manifestation": [{"text": "rash"}], "severity": "mild"}]
    (pressure,) = held["Observation"]
    assert [each["code"]["coding"][0]["code"] for each in pressure["component"]] == [
        "8480-6",
        "8462-4",
    ]
    (visit,) = held["Encounter"]
    assert visit["status"] == "finished"
    (answers,) = held["QuestionnaireResponse"]
    assert [each["text"] for each in answers["item"]] == ["Why do you come?", "Again?"]
    (document,) = held["DocumentReference"]
    assert unquote(document["content"][0]["attachment"]["url"]) in entries
    (note,) = held["Composition"]
    assert note["status"] == "amended"


async def test_what_is_withheld_is_in_none_of_it(record: Record) -> None:
    clinic = record.clinic
    note = await clinic.see(read_note, clinic.bob, OneNote(record.note_id))
    hide = WithholdNote(note_id=note.id, version=note.version, withheld="harm")
    await clinic.do(withhold_note, clinic.bob, hide)
    with zipfile.ZipFile(io.BytesIO(await copy_of(record))) as read:
        for name in ("index.html", "record.fhir.json"):
            assert "38.5" not in read.read(name).decode()


async def test_it_is_fetched_once_within_a_day_by_whoever_asked(
    database: Database, clock: Clock
) -> None:
    record = await a_record(await opened(database, clock))
    clinic, patient = record.clinic, record.patient
    asked = await clinic.do(ask_export, patient, AskExport(record.patient_id))
    for who in (fresh(clinic.bob, clinic), CHARLIE):
        assert await _refused(clinic, who, asked.id) == "not_found"
    assert await _refused(clinic, CAROL, asked.id) == "not_allowed"
    assert await all_of(await download_export(clinic.database, patient, OneExport(asked.id)))
    assert await _refused(clinic, patient, asked.id) == "gone"
    other = await clinic.do(ask_export, patient, AskExport(record.patient_id))
    clock.advance(DAY_S)
    assert await _refused(clinic, patient, other.id) == "gone"


async def test_one_that_broke_off_may_be_fetched_again_and_not_meanwhile(record: Record) -> None:
    clinic, patient = record.clinic, record.patient
    asked = await clinic.do(ask_export, patient, AskExport(record.patient_id))
    made = await download_export(clinic.database, patient, OneExport(asked.id))
    await anext(made.parts)
    assert await _refused(clinic, patient, asked.id) == "gone"
    await made.parts.aclose()
    assert await all_of(await download_export(clinic.database, patient, OneExport(asked.id)))


async def test_asking_needs_a_fresh_factor_and_is_bounded(record: Record) -> None:
    clinic, command = record.clinic, AskExport(record.patient_id)
    stale = await clinic.refusal(ask_export, clinic.bob, command)
    assert stale.code == "step_up_needed"
    for _ in range(10):
        await clinic.do(ask_export, record.patient, command)
    assert (await clinic.refusal(ask_export, record.patient, command)).code == "too_many_requests"


async def test_the_patient_sees_who_took_a_copy(record: Record) -> None:
    clinic = record.clinic
    await copy_of(record, fresh(clinic.bob, clinic))
    log = await clinic.see(
        read_access_log, record.patient, ReadAccessLog(patient_id=record.patient_id)
    )
    newest = [(one.actor_id, one.action, one.object_kind) for one in log.items[:2]]
    assert newest == [
        (clinic.bob.id, "export.download", "export"),
        (clinic.bob.id, "export.make", "export"),
    ]


async def test_its_text_is_on_no_disk_and_in_no_log(
    record: Record, sqlite_place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    await copy_of(record)
    folder = sqlite_place.keys.parent
    found = [path for path in folder.rglob("*") if path.is_file() and CANARY in _read(path)]
    assert found == []
    assert CANARY not in caplog.text


async def test_a_file_that_is_damaged_has_a_line_in_its_place(
    record: Record, sqlite_place: Place
) -> None:
    (path,) = (each for each in (sqlite_place.keys.parent / "files").rglob("*") if each.is_file())
    path.unlink()
    with zipfile.ZipFile(io.BytesIO(await copy_of(record))) as read:
        (missing,) = [name for name in read.namelist() if name.startswith("files/")]
        assert missing.endswith(".missing.txt")
        assert b"could not be read" in read.read(missing)


def test_an_archive_that_was_cut_off_is_not_taken_for_a_whole_one(clock: Clock) -> None:
    with ZipStream(datetime.fromtimestamp(clock(), UTC)) as made:
        begun = made.begin("a.txt") + made.write(b"b" * 100)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(begun))


def _read(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


async def _refused(clinic: Clinic, who: Actor, export_id: str) -> str:
    with pytest.raises(Refused) as refused:
        await download_export(clinic.database, who, OneExport(export_id))
    return refused.value.code

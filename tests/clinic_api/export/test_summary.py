"""The summary of a visit, printed: what stands on it, in every script, and who gets it."""

from __future__ import annotations

import time

import pytest

from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.export.flows import print_summary
from clinic_api.export.model import OneVisit
from clinic_api.export.paper import Facts, Heading, Paper, Text
from clinic_api.export.press import printed
from clinic_api.export.typesetting import UNKNOWN, UNKNOWN_NOTE
from clinic_api.records.notes import OneNote, WithholdNote, read_note, withhold_note
from tests.clinic_api.conftest import Clock
from tests.clinic_api.export.cast import NAMES, PLAN, Record, a_record, summary_of
from tests.clinic_api.export.reading_pdf import flat, pages_of, text_of
from tests.clinic_api.visits.cast import CAROL, CHARLIE, Clinic, opened

pytestmark = pytest.mark.slow


@pytest.fixture
async def clinic(sqlite_database: Database, clock: Clock) -> Clinic:
    return await opened(sqlite_database, clock)


@pytest.fixture
async def record(clinic: Clinic) -> Record:
    return await a_record(clinic)


def paper(*blocks: Heading | Text | Facts) -> Paper:
    made_at = "2026-05-28T20:26:40+00:00"
    return Paper(title="A", letterhead=("B",), blocks=blocks, footer="C", made_at=made_at)


async def test_it_says_who_when_how_and_what_was_noted(record: Record) -> None:
    text = flat(text_of(await summary_of(record)))
    for said in (
        "Example Clinic",
        "Łukasz Żółć",
        "29 February 1984",
        "Thursday, 28 May 2026, 16:26–16:46 (America/New_York, UTC-04:00)",
        "16:26–16:46 Clinician: Dr. Bob",
        "16:26–16:46 Patient: Łukasz Żółć",
        "Rest zeisig, ≤ 38.5 °C",
        "استرح واشرب ماء",
        "שתה מים",
        "Added zeisig",
        "Signed by Dr. Bob",
        "Page 1 of 1",
    ):
        assert said in text, said


async def test_names_of_every_script_are_found_by_whoever_searches_the_text() -> None:
    data = await printed(paper(Facts(tuple(("Name", name) for name in NAMES)), Text(PLAN)))
    text = flat(text_of(data))
    assert [name for name in NAMES if name not in text] == []
    assert UNKNOWN not in text


async def test_what_no_font_has_is_marked_and_explained() -> None:
    text = flat(text_of(await printed(paper(Text("名前 and Łukasz")))))
    assert f"{UNKNOWN}{UNKNOWN} and Łukasz" in text
    assert UNKNOWN_NOTE in text


async def test_a_long_note_goes_on_over_numbered_pages() -> None:
    data = await printed(
        paper(
            Text("\n".join(f"This is the line with the number {number}." for number in range(120)))
        )
    )
    assert pages_of(data) == 3
    assert "number 119." in text_of(data)
    assert "Page 3 of 3" in flat(text_of(data))


async def test_it_names_its_language_and_its_title() -> None:
    data = await printed(paper(Text("Text")))
    assert b"/Lang (en)" in data
    assert b"/Title" in data


async def test_what_is_withheld_is_not_printed(record: Record) -> None:
    clinic = record.clinic
    note = await clinic.see(read_note, clinic.bob, OneNote(record.note_id))
    hide = WithholdNote(note_id=note.id, version=note.version, withheld="privacy")
    await clinic.do(withhold_note, clinic.bob, hide)
    text = flat(text_of(await summary_of(record)))
    assert "zeisig, ≤" not in text
    assert "No note about this visit has been released." in text


async def test_bob_gets_it_too_and_nobody_else(record: Record) -> None:
    assert (await summary_of(record, record.clinic.bob)).startswith(b"%PDF-")
    for who, code in ((CHARLIE, "not_found"), (CAROL, "not_allowed")):
        with pytest.raises(Refused) as refused:
            await summary_of(record, who)
        assert refused.value.code == code
    done = await record.clinic.audited("visit.read_summary")
    assert [row.patient_id for row in done] == [record.patient_id]


async def test_a_visit_that_goes_on_has_none_yet(record: Record) -> None:
    clinic = record.clinic
    made = await clinic.visit(patient_id=record.patient_id)
    with pytest.raises(Refused) as refused:
        await print_summary(clinic.database, record.patient, OneVisit(made.id))
    assert refused.value.code == "illegal_event"


async def test_printing_takes_no_time_of_the_thread_that_carries_calls() -> None:
    """Setting these 50 000 characters takes 2.5 s of computing."""
    before = time.thread_time()
    assert (await printed(paper(Text("word " * 10_000)))).startswith(b"%PDF-")
    assert time.thread_time() - before < 0.3


async def test_a_paper_that_cannot_be_set_is_refused_and_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = Paper(title="A", letterhead=(), blocks=(Text("zeisig"),), footer="", made_at="no time")
    with pytest.raises(Refused) as refused:
        await printed(broken)
    assert refused.value.code == "unavailable"
    assert "zeisig" not in "".join(capfd.readouterr())

"""Notes: drafted, signed for good, amended; who writes, signs and reads them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError

from clinic_api.actor import Actor
from clinic_api.directory.relations import relate
from clinic_api.directory.service import CreatePractitioner, create_practitioner
from clinic_api.errors import Refused
from clinic_api.records import notes_store
from clinic_api.records.chart import open_chart
from clinic_api.records.lists import OfPatient
from clinic_api.records.note import EVENTS, STATES, TABLE, Sections, after, digest
from clinic_api.records.notes import (
    AmendNote,
    DiscardDraft,
    DraftNote,
    ListNotes,
    ListUnsigned,
    OneNote,
    SaveDraft,
    SignNote,
    WithholdNote,
    amend_note,
    discard_draft,
    draft_note,
    list_notes,
    list_unsigned,
    read_note,
    save_draft,
    sign_note,
    withhold_note,
)
from clinic_api.records.notes_store import Note
from clinic_api.records.templates import (
    ChangeTemplate,
    CreateTemplate,
    ListTemplates,
    change_template,
    create_template,
    list_templates,
)
from clinic_api.transaction import Transaction
from tests.clinic_api.catalogue.test_service import ADA
from tests.clinic_api.records.cast import hers
from tests.clinic_api.visits.cast import CAROL, CHARLIE, CONSOLE, Clinic, user_id
from tests.clinic_api.visits.test_service import OTHER_DOCTOR


async def colleague(clinic: Clinic, alice: Actor, role: str) -> Actor:
    """Somebody else who treats Alice."""

    def make(tx: Transaction) -> str:
        made = create_practitioner(
            tx, CONSOLE, CreatePractitioner(name="Dr. Dora", user_id=user_id(7))
        )
        relate(tx, CONSOLE, hers(alice), made.id)
        return made.id

    practitioner_id = await clinic.database.write(make)
    roles = frozenset({role})
    return Actor(kind="user", id=user_id(7), roles=roles, practitioner_id=practitioner_id)


async def draft(clinic: Clinic, alice: Actor, **sections: str) -> Note:
    command = DraftNote(patient_id=hers(alice), **(sections or {"plan": "Rest"}))
    return await clinic.do(draft_note, clinic.bob, command)


async def signed(clinic: Clinic, alice: Actor, **values: object) -> Note:
    made = await draft(clinic, alice)
    command = SignNote(note_id=made.id, version=made.version)
    return await clinic.do(sign_note, clinic.bob, replace(command, **values))


async def test_a_draft_is_saved_over_the_version_that_was_read_and_no_other(
    clinic: Clinic, alice: Actor
) -> None:
    made = await draft(clinic, alice)
    save = SaveDraft(note_id=made.id, version=made.version, plan="Rest and tea")
    saved = await clinic.do(save_draft, clinic.bob, save)
    late = replace(save, plan="Rest from another window")
    assert (await clinic.refusal(save_draft, clinic.bob, late)).code == "stale"
    read = await clinic.see(read_note, clinic.bob, OneNote(made.id))
    assert read == saved
    assert read.sections == Sections(plan="Rest and tea")
    (row,) = await clinic.rows(notes_store.notes)
    assert b"tea" not in row.sections


async def test_a_visit_has_one_draft_of_a_doctor(clinic: Clinic) -> None:
    visit = await clinic.visit()
    assert visit.visit.patient_id is not None
    begin = DraftNote(patient_id=visit.visit.patient_id, visit_id=visit.id)
    first = await clinic.do(draft_note, clinic.bob, begin)
    again = await clinic.do(draft_note, clinic.bob, replace(begin, plan="From another window"))
    assert again == first


async def test_signing_keeps_what_who_and_when_for_good(clinic: Clinic, alice: Actor) -> None:
    note = await signed(clinic, alice)
    assert note.signed_at is not None
    assert note.digest == digest(Sections(plan="Rest"), clinic.bob.label, note.signed_at)
    (row,) = await clinic.audited("note.sign")
    assert note.digest in row.detail
    save = SaveDraft(note_id=note.id, version=note.version, plan="Something else")
    assert (await clinic.refusal(save_draft, clinic.bob, save)).code == "illegal_event"
    away = DiscardDraft(note_id=note.id, version=note.version)
    assert (await clinic.refusal(discard_draft, clinic.bob, away)).code == "illegal_event"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE notes SET sections = digest",
        "UPDATE notes SET signed_at = NULL",
        "UPDATE notes SET signed_by = 'user:mallory'",
        "DELETE FROM notes",
        "DELETE FROM note_addenda",
        "UPDATE note_addenda SET signed_by = 'user:mallory'",
    ],
)
async def test_the_database_itself_keeps_a_signed_note(
    clinic: Clinic, alice: Actor, statement: str
) -> None:
    note = await signed(clinic, alice)
    amend = AmendNote(note_id=note.id, version=note.version, text="Left, not right.")
    await clinic.do(amend_note, clinic.bob, amend)
    statement = statement.replace("= digest", "= x'00'" if _is_sqlite(clinic) else "= '\\x00'")
    with pytest.raises(DBAPIError):
        await clinic.database.write(lambda tx: tx.sql.execute(sa.text(statement)))
    assert (await clinic.see(read_note, clinic.bob, OneNote(note.id))).digest == note.digest


def _is_sqlite(clinic: Clinic) -> bool:
    return "Sqlite" in type(clinic.database._engines).__name__


async def test_whoever_treats_adds_to_a_signed_note_and_changes_nothing(
    clinic: Clinic, alice: Actor
) -> None:
    dora = await colleague(clinic, alice, "doctor")
    made = await draft(clinic, alice)
    early = AmendNote(note_id=made.id, version=made.version, text="Too early")
    assert (await clinic.refusal(amend_note, dora, early)).code == "illegal_event"
    sign = SignNote(note_id=made.id, version=made.version)
    note = await clinic.do(sign_note, clinic.bob, sign)
    amend = AmendNote(note_id=note.id, version=note.version, text="Left, not right.")
    amended = await clinic.do(amend_note, dora, amend)
    assert (amended.state, amended.sections) == ("amended", note.sections)
    assert [(one.author, one.text) for one in amended.addenda] == [("Dr. Dora", "Left, not right.")]


async def test_a_draft_is_its_authors_and_nobody_else_signs_it(
    clinic: Clinic, alice: Actor
) -> None:
    dora = await colleague(clinic, alice, "doctor")
    made = await draft(clinic, alice)
    refused = [
        await clinic.refusal(read_note, dora, OneNote(made.id)),
        await clinic.refusal(sign_note, dora, SignNote(note_id=made.id, version=1)),
        await clinic.refusal(save_draft, dora, SaveDraft(note_id=made.id, version=1)),
    ]
    assert {each.code for each in refused} == {"not_found"}
    mine = await clinic.see(list_unsigned, clinic.bob, ListUnsigned())
    hers_ = await clinic.see(list_unsigned, dora, ListUnsigned())
    assert ([one.id for one in mine.items], hers_.items) == ([made.id], ())


async def test_a_nurse_who_treats_prepares_and_the_doctor_signs(
    clinic: Clinic, alice: Actor
) -> None:
    ned = await colleague(clinic, alice, "nurse")
    visit = await clinic.visit(patient_id=hers(alice))
    begin = DraftNote(patient_id=hers(alice), visit_id=visit.id, objective="37.2 °C")
    made = await clinic.do(draft_note, ned, begin)
    assert made.practitioner_id == clinic.bob.practitioner_id
    sign = SignNote(note_id=made.id, version=made.version)
    assert (await clinic.refusal(sign_note, ned, sign)).code == "not_allowed"
    assert (await clinic.do(sign_note, clinic.bob, sign)).state == "signed"
    no_visit = DraftNote(patient_id=hers(alice), objective="37.2 °C")
    assert "visit_id" in (await clinic.refusal(draft_note, ned, no_visit)).fields


async def test_the_patient_reads_what_was_signed_unless_it_is_withheld(
    clinic: Clinic, alice: Actor
) -> None:
    made = await draft(clinic, alice)
    assert (await clinic.refusal(read_note, alice, OneNote(made.id))).code == "not_found"
    sign = SignNote(note_id=made.id, version=made.version, withheld="harm")
    note = await clinic.do(sign_note, clinic.bob, sign)
    assert (await clinic.refusal(read_note, alice, OneNote(made.id))).code == "not_found"
    assert (await clinic.see(list_notes, alice, ListNotes(patient_id=hers(alice)))).items == ()
    release = WithholdNote(note_id=note.id, version=note.version, withheld="")
    await clinic.do(withhold_note, clinic.bob, release)
    assert (await clinic.see(read_note, alice, OneNote(made.id))).sections.plan == "Rest"
    assert len((await clinic.see(list_notes, alice, ListNotes(patient_id=hers(alice)))).items) == 1


@pytest.mark.parametrize("actor", [CAROL, ADA, CHARLIE, OTHER_DOCTOR])
async def test_nobody_else_reads_a_note_or_the_chart(
    clinic: Clinic, alice: Actor, actor: Actor
) -> None:
    note = await signed(clinic, alice)
    refused = [
        await clinic.refusal(read_note, actor, OneNote(note.id)),
        await clinic.refusal(list_notes, actor, ListNotes(patient_id=hers(alice))),
        await clinic.refusal(open_chart, actor, OfPatient(hers(alice))),
        await clinic.refusal(draft_note, actor, DraftNote(patient_id=hers(alice))),
    ]
    assert {each.code for each in refused} <= {"not_found", "not_allowed"}


async def test_opening_the_chart_is_one_row_of_the_audit(clinic: Clinic, alice: Actor) -> None:
    note = await signed(clinic, alice)
    chart = await clinic.see(open_chart, clinic.bob, OfPatient(hers(alice)))
    assert [one.id for one in chart.notes] == [note.id]
    (row,) = await clinic.audited("chart.open")
    assert (row.actor_id, row.patient_id) == (clinic.bob.id, hers(alice))


async def test_nothing_is_signed_that_says_nothing(clinic: Clinic, alice: Actor) -> None:
    made = await draft(clinic, alice, plan="  ")
    sign = SignNote(note_id=made.id, version=made.version)
    assert "sections" in (await clinic.refusal(sign_note, clinic.bob, sign)).fields


async def test_a_template_is_filled_in_where_nothing_is_written(
    clinic: Clinic, alice: Actor
) -> None:
    command = CreateTemplate(name="Cold", plan="Rest, {patient}. {today}", subjective="Cough")
    made = await clinic.do(create_template, clinic.bob, command)
    begin = DraftNote(patient_id=hers(alice), template_id=made.id, subjective="Sneezes")
    note = await clinic.do(draft_note, clinic.bob, begin)
    assert note.sections == Sections(subjective="Sneezes", plan="Rest, Alice. 2026-05-28")
    wrong = CreateTemplate(name="Odd", plan="{password}")
    assert "plan" in (await clinic.refusal(create_template, clinic.bob, wrong)).fields


async def test_templates_are_ones_own_or_everybodys(clinic: Clinic) -> None:
    mine = await clinic.do(create_template, clinic.bob, CreateTemplate(name="Mine"))
    all_ = CreateTemplate(name="Ours", for_everybody=True)
    assert (await clinic.refusal(create_template, clinic.bob, all_)).code == "not_allowed"
    ours = await clinic.do(create_template, ADA, all_)
    seen = await clinic.see(list_templates, clinic.bob, ListTemplates())
    others = await clinic.see(list_templates, OTHER_DOCTOR, ListTemplates())
    assert {one.id for one in seen.items} == {mine.id, ours.id}
    assert [one.id for one in others.items] == [ours.id]
    take = ChangeTemplate(template_id=mine.id, version=1, name="Stolen")
    assert (await clinic.refusal(change_template, OTHER_DOCTOR, take)).code == "not_found"
    end = replace(take, name="Mine", active=False)
    await clinic.do(change_template, clinic.bob, end)
    assert [
        one.id for one in (await clinic.see(list_templates, clinic.bob, ListTemplates())).items
    ] == [ours.id]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_event_in_every_state_is_in_the_table_or_refused(state: str, event: str) -> None:
    allowed = TABLE[state].get(event)  # type: ignore[index, call-overload]
    if allowed is not None:
        assert after(state, event) == allowed  # type: ignore[arg-type]
        return
    with pytest.raises(Refused) as refused:
        after(state, event)  # type: ignore[arg-type]
    assert refused.value.code == "illegal_event"

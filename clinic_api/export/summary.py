"""The summary of a visit, as a paper. Pure."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from clinic_api.export import words
from clinic_api.export.paper import Facts, Heading, Paper, Text, page_size
from clinic_api.export.visit_facts import SignedNote, TookPart, VisitFacts
from clinic_api.organisation.model import Organisation

Block = Heading | Text | Facts
NO_NOTES = "No note about this visit has been released."


def summary(facts: VisitFacts, now: datetime) -> Paper:
    """Times are in the clinic's zone, which is named."""
    name = facts.patient.details.name
    return Paper(
        title="Visit summary",
        letterhead=letterhead(facts.organisation),
        blocks=(_about_patient(facts), *visit_blocks(facts)),
        footer=f"{facts.organisation.name} · {name}",
        made_at=now.isoformat(),
        size=page_size(facts.organisation.country),
    )


def letterhead(clinic: Organisation) -> tuple[str, ...]:
    return tuple(line for line in (clinic.name, clinic.phone) if line)


def visit_blocks(facts: VisitFacts) -> tuple[Block, ...]:
    """What was, who was there, what was noted; without the patient's own details."""
    place = words.zone(facts.organisation.time_zone)
    notes = [block for note in facts.notes for block in note_blocks(note, place)]
    people = Facts(tuple(_person(each, place) for each in facts.took_part))
    return (
        Facts(_facts(facts, place)),
        *((Heading("Who took part"), people) if facts.took_part else ()),
        *(notes or [Text(NO_NOTES)]),
    )


def note_blocks(signed: SignedNote, place: ZoneInfo) -> list[Block]:
    """Its sections, who signed it, and what was added."""
    note = signed.note
    blocks: list[Block] = []
    for section, heading in words.SECTIONS.items():
        text = getattr(note.sections, section).strip()
        if text:
            blocks += [Heading(heading), Text(text)]
    if note.signed_at is not None:
        blocks.append(Text(f"Signed by {signed.author}, {words.at(note.signed_at, place)}"))
    for added in note.addenda:
        signature = f"{added.author}, {words.at(added.signed_at, place)}"
        blocks += [Heading("Added later"), Text(added.text), Text(f"Signed by {signature}")]
    return blocks


def _about_patient(facts: VisitFacts) -> Facts:
    details = facts.patient.details
    born = details.birth_date
    rows = [("Patient", details.name)]
    return Facts(tuple(rows + ([("Born", words.on_day(born))] if born else [])))


def _facts(facts: VisitFacts, place: ZoneInfo) -> tuple[tuple[str, str], ...]:
    visit = facts.visit
    begin = visit.call_started_at or visit.ended_at or visit.opens_at
    end = visit.call_ended_at if visit.call_started_at is not None else None
    silent = (
        "No call took place" if visit.call_started_at is None else "Call without sound or picture"
    )
    held = words.MODALITIES.get(visit.real_modality or "", silent)
    rows = [
        ("Date", words.span(begin, end, place)),
        ("Clinician", facts.practitioner),
        ("Kind of visit", held),
        ("Reason", facts.reason),
    ]
    return tuple((label, value) for label, value in rows if value)


def _person(each: TookPart, place: ZoneInfo) -> tuple[str, str]:
    there = words.hours(each.came_at, each.left_at, place)
    return there, f"{words.ROLES[each.role]}: {each.name}"

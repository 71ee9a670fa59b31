"""A record as people read it: each part as blocks of a page or a paper. Pure.

Times are in the clinic's zone, which the first part names.
"""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from clinic_api.export import words
from clinic_api.export.answers import questions_of
from clinic_api.export.paper import Facts, Heading, Text
from clinic_api.export.parts import (
    Answered,
    Booked,
    Chat,
    Conversation,
    Documents,
    Measurements,
    Notes,
    OfVisit,
    Part,
    Person,
)
from clinic_api.export.summary import Block, note_blocks, visit_blocks
from clinic_api.records.lists_model import Allergy, Entry, Medicine, Problem
from clinic_api.records.observations_store import Observation
from clinic_api.scheduling.model import Appointment

LISTS = (("Allergies", "allergies"), ("Problems", "problems"), ("Medicines", "medicines"))
NONE_KNOWN = "No known allergies"
NOTHING = "Nothing is noted."
_STATES = {"inactive": "in the past", "entered_in_error": "entered in error"}


def blocks_of(part: Part, place: ZoneInfo) -> list[Block]:
    match part:
        case Person():
            return _person(part, place)
        case Measurements():
            return [Heading("Measurements"), Facts(tuple(_measured(part.items, place)))]
        case Booked():
            rows = ((words.short(one.starts_at, place), _booked(one, part)) for one in part.items)
            return [Heading("Appointments"), Facts(tuple(rows))]
        case OfVisit():
            return [Heading("Visit"), *visit_blocks(part.facts)]
        case Answered():
            rows = ((asked, said) for _, asked, said in questions_of(part.held))
            return [Heading("Answers before the visit"), Facts(tuple(rows))]
        case Chat():
            lines = (f"{words.at(one.at, place)} {one.name}: {one.text}" for one in part.lines)
            return [Heading("Chat of the visit"), Text("\n".join(lines))]
        case Notes():
            notes = [block for each in part.items for block in note_blocks(each, place)]
            return [Heading("Notes without a visit"), *notes] if notes else []
        case Documents():
            rows = (
                (
                    words.on_day(one.created_at.astimezone(place)),
                    f"{one.title}\n{part.paths[one.id]}",
                )
                for one in part.items
            )
            return [Heading("Documents"), Facts(tuple(rows))] if part.items else []
        case Conversation():
            said = [
                Text(f"{words.at(one.at, place)} {one.author or one.side}:\n{one.text}")
                for one in part.messages
            ]
            return [Heading(f"Messages: {part.thread.subject}"), *said] if part.begins else [*said]


def _person(part: Person, place: ZoneInfo) -> list[Block]:
    details = part.patient.details
    address = details.address
    lines = (
        *address.lines,
        f"{address.postal_code} {address.city}",
        address.region,
        address.country,
    )
    emergency = details.emergency
    rows = [
        ("Name", details.name),
        ("Born", "" if details.birth_date is None else words.on_day(details.birth_date)),
        ("Sex", "" if details.sex == "unknown" else details.sex),
        ("Language", details.language),
        ("Telephone", ", ".join(details.phones)),
        ("E-mail", ", ".join(details.emails)),
        ("Address", "\n".join(line.strip() for line in lines if line.strip())),
        ("In an emergency", " ".join(filter(None, (emergency.name, emergency.phone)))),
        ("Number of the record", part.patient.id),
        ("Time zone", f"All times are those of {place.key}."),
    ]
    blocks: list[Block] = [Facts(tuple((label, value) for label, value in rows if value))]
    for heading, name in LISTS:
        entries: tuple[Entry, ...] = getattr(part.lists, name)
        text = "\n".join(map(_entry, entries)) or NOTHING
        blocks += [Heading(heading), Text(text)]
    agreed = tuple(
        (words.short(one.decided_at, place), f"{one.kind.replace('_', ' ')}: {one.state}")
        for one in part.consents
    )
    return [*blocks, Heading("Consents"), Facts(agreed)] if agreed else blocks


def _entry(entry: Entry) -> str:
    """One line: what, how, since when, in which state, by whom."""
    detail = entry.problem or entry.allergy or entry.medicine
    said = NONE_KNOWN if isinstance(detail, Allergy) and detail.none_known else ""
    whose = "" if entry.confirmed_by else "said by the patient"
    parts = [
        said or ("" if detail is None else detail.text),
        *_more(detail),
        "" if detail is None else detail.remark,
        _STATES.get(entry.state, ""),
        whose,
    ]
    return "; ".join(" ".join(part.split()) for part in parts if part)


def _more(detail: Problem | Allergy | Medicine | None) -> Iterable[str]:
    match detail:
        case Allergy():
            yield detail.reaction
            yield "" if detail.severity == "unknown" else detail.severity
        case Problem() | Medicine():
            yield detail.dosage if isinstance(detail, Medicine) else ""
            yield f"since {detail.since}" if detail.since else ""
            yield f"until {detail.until}" if detail.until else ""


def _measured(items: Iterable[Observation], place: ZoneInfo) -> Iterable[tuple[str, str]]:
    for one in items:
        held = one.measured
        lower = "" if held.diastolic is None else f"/{held.diastolic:g}"
        parts = [
            f"{held.value:g}{lower} {held.unit}",
            words.at(one.measured_at, place),
            "" if one.origin == "staff" else f"by the {one.origin}",
            "" if one.state == "final" else "entered in error",
            held.remark,
        ]
        yield words.VITALS[one.kind], "; ".join(filter(None, parts))


def _booked(one: Appointment, part: Booked) -> str:
    parts = (
        part.services[one.service_id],
        part.practitioners[one.practitioner_id],
        words.MODALITIES[one.modality],
        one.state.replace("_", " "),
    )
    return "; ".join(filter(None, parts))


def length_of(blocks: Iterable[Block]) -> int:
    """Characters, near enough to know how long printing takes."""
    return sum(
        sum(len(label) + len(value) for label, value in block.rows)
        if isinstance(block, Facts)
        else len(block.text)
        for block in blocks
    )

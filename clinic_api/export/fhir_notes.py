"""A signed note as a FHIR R4 Composition, its sections as narrative. Pure."""

from __future__ import annotations

from html import escape

from clinic_api.export import words
from clinic_api.export.fhir_values import LOINC, Resource, concept, reference, resource
from clinic_api.export.visit_facts import SignedNote

PROGRESS_NOTE = "11506-3"
_SECTIONS = {  # LOINC codes of sections, as C-CDA R2.1 names them
    "subjective": "61150-9",
    "objective": "61149-1",
    "assessment": "51848-0",
    "plan": "18776-5",
}


def composition(patient_id: str, signed: SignedNote) -> Resource:
    """Addenda are sections that name who added them."""
    note = signed.note
    assert note.signed_at is not None, "it was signed"
    sections = [
        _section(heading, getattr(note.sections, name), _SECTIONS.get(name, ""))
        for name, heading in words.SECTIONS.items()
        if getattr(note.sections, name).strip()
    ]
    for added in note.addenda:
        title = f"Added by {added.author}, {words.utc(added.signed_at)}"
        sections.append(_section(title, added.text, ""))
    return resource(
        "Composition",
        note.id,
        status="amended" if note.addenda else "final",
        type=concept(LOINC, PROGRESS_NOTE, "Progress note"),
        subject=reference(patient_id),
        encounter=None if note.visit_id is None else reference(note.visit_id),
        date=words.utc(note.signed_at),
        author=[{"display": signed.author or "The clinic"}],
        title="Note",
        section=sections,
    )


def _section(title: str, text: str, code: str) -> Resource:
    lines = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())
    coded = {"code": concept(LOINC, code)} if code else {}
    narrative = {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{lines}</div>',
    }
    return {"title": title, **coded, "text": narrative}

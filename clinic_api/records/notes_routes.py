"""Operations on notes, their templates and the chart under /api/v1."""

from __future__ import annotations

from clinic_api.http.route import Route
from clinic_api.paging import Page
from clinic_api.records.chart import Chart, open_chart
from clinic_api.records.lists import OfPatient
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
from clinic_api.records.notes_store import Note, NoteHead, Template
from clinic_api.records.templates import (
    ChangeTemplate,
    CreateTemplate,
    ListTemplates,
    change_template,
    create_template,
    list_templates,
)

_OF_PATIENT = "/patients/{patient_id}/notes"
_NOTE = "/notes/{note_id}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/patients/{patient_id}/chart", open_chart, OfPatient, Chart),
    Route("GET", _OF_PATIENT, list_notes, ListNotes, Page[NoteHead]),
    Route("POST", _OF_PATIENT, draft_note, DraftNote, Note, status=201),
    Route("GET", "/notes/unsigned", list_unsigned, ListUnsigned, Page[NoteHead]),
    Route("GET", _NOTE, read_note, OneNote, Note),
    Route("PUT", _NOTE, save_draft, SaveDraft, Note),
    Route("DELETE", _NOTE, discard_draft, DiscardDraft, None),
    Route("POST", f"{_NOTE}/sign", sign_note, SignNote, Note),
    Route("POST", f"{_NOTE}/addenda", amend_note, AmendNote, Note),
    Route("POST", f"{_NOTE}/withhold", withhold_note, WithholdNote, Note),
    Route("GET", "/note-templates", list_templates, ListTemplates, Page[Template]),
    Route("POST", "/note-templates", create_template, CreateTemplate, Template, status=201),
    Route("PUT", "/note-templates/{template_id}", change_template, ChangeTemplate, Template),
)

"""Operations on documents under /api/v1."""

from __future__ import annotations

from clinic_api.files.model import MAX_FILE_BYTES, GivenFile
from clinic_api.http.route import Route
from clinic_api.paging import Page
from clinic_api.records.documents import (
    add_document,
    download_document,
    list_documents,
    may_add_document,
    read_document,
    release_document,
    withdraw_document,
)
from clinic_api.records.documents_model import (
    AddDocument,
    ChangeDocument,
    Document,
    ListDocuments,
    OneDocument,
)

_OF_PATIENT = "/patients/{patient_id}/documents"
_ONE = "/documents/{document_id}"

ADD = Route(
    "POST",
    _OF_PATIENT,
    add_document,
    AddDocument,
    Document,
    status=201,
    before_file=may_add_document,
    max_body_bytes=MAX_FILE_BYTES,
)
ROUTES: tuple[Route, ...] = (
    Route("GET", _OF_PATIENT, list_documents, ListDocuments, Page[Document]),
    ADD,
    Route("GET", _ONE, read_document, OneDocument, Document),
    Route("GET", f"{_ONE}/file", download_document, OneDocument, GivenFile),
    Route("POST", f"{_ONE}/release", release_document, ChangeDocument, Document),
    Route("POST", f"{_ONE}/withdraw", withdraw_document, ChangeDocument, Document),
)

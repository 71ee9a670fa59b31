"""A document in a patient's record: what it is, who brought it, who may see it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.directory.model import Id
from clinic_api.files.model import FileView
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit

Kind = Literal[
    "referral",
    "lab_result",
    "imaging",
    "letter",
    "prescription",
    "insurance",
    "identity",
    "photo",
    "other",
]
Side = Literal["patient", "staff"]  # who brought it
Title = Annotated[str, Meta(max_length=200)]


class AddDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A file for a patient's record; without a title it goes by the file's name."""

    patient_id: Id
    kind: Kind = "other"
    title: Title = ""
    visit_id: Id | None = None


class ListDocuments(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    patient_id: Id
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class OneDocument(msgspec.Struct, frozen=True):
    document_id: Id


class ChangeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of which document."""

    document_id: Id
    version: int


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One document. The patient sees what they brought and what was released to them."""

    id: str
    version: int
    patient_id: str
    visit_id: str | None
    kind: Kind
    title: str
    side: Side
    file: FileView
    created_at: datetime
    released_at: datetime | None
    withdrawn_at: datetime | None

"""Threads of messages between a patient's side and the clinic."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.directory.model import Id
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit

ThreadKind = Literal["care", "desk"]  # to those who treat; about appointments, papers, bills
ThreadState = Literal["open", "closed"]
Side = Literal["patient", "staff"]
Subject = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
Attached = Annotated[tuple[Id, ...], Meta(max_length=10)]  # documents of the patient's record


class OpenThread(msgspec.Struct, frozen=True, kw_only=True):
    """A first message, and whom it is for."""

    patient_id: Id
    kind: ThreadKind = "care"
    subject: Subject
    text: Text
    document_ids: Attached = ()


class PostMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The next message of a thread; a closed one is open again."""

    thread_id: Id
    text: Text
    document_ids: Attached = ()


class ListThreads(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `unanswered_h`: where the patient has waited so many hours for an answer."""

    patient_id: Id | None = None
    unanswered_h: Annotated[int, Meta(ge=0, le=24 * 365)] | None = None
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class ReadMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    thread_id: Id
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class MarkRead(msgspec.Struct, frozen=True, kw_only=True):
    """Everything up to this message has been seen by whoever asks."""

    thread_id: Id
    message_id: Id


class MoveThread(msgspec.Struct, frozen=True, kw_only=True):
    thread_id: Id
    version: int


class Message(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    thread_id: str
    side: Side
    author: str  # a name, as the other side may know it
    text: str
    document_ids: tuple[str, ...]
    at: datetime


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """`unread`: messages of the other side that whoever asks has not marked as read."""

    id: str
    version: int
    patient_id: str
    kind: ThreadKind
    state: ThreadState
    subject: str
    last_at: datetime
    last_side: Side
    unread: int


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """`notice` is to be shown to patients: nobody may be reading now."""

    id: str
    version: int
    thread: Thread
    message: Message
    notice: str

"""Messages that leave, in the HTTP API."""

from __future__ import annotations

from clinic_api.http.route import Route
from clinic_api.mail.service import ShowMessage, ShownMessage, show
from clinic_api.outbox import (
    ChangeMessage,
    CountUnsent,
    ListMessages,
    MessageSummary,
    Unsent,
    count_unsent,
    list_messages,
    retry,
    withdraw,
)
from clinic_api.paging import Page

ROUTES: tuple[Route, ...] = (
    Route("GET", "/outbox", list_messages, ListMessages, Page[MessageSummary]),
    Route("GET", "/outbox/unsent", count_unsent, CountUnsent, Unsent),
    Route("GET", "/outbox/{id}", show, ShowMessage, ShownMessage),
    Route("POST", "/outbox/{id}/retry", retry, ChangeMessage, MessageSummary),
    Route("POST", "/outbox/{id}/withdraw", withdraw, ChangeMessage, MessageSummary),
)

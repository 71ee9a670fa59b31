"""Operations on messages under /api/v1."""

from __future__ import annotations

from clinic_api.http.route import Route
from clinic_api.messages.model import (
    ListThreads,
    MarkRead,
    Message,
    MoveThread,
    OpenThread,
    Posted,
    PostMessage,
    ReadMessages,
    Thread,
)
from clinic_api.messages.service import (
    close_thread,
    list_threads,
    mark_read,
    open_thread,
    post_message,
    read_messages,
)
from clinic_api.paging import Page

_THREAD = "/threads/{thread_id}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/threads", list_threads, ListThreads, Page[Thread]),
    Route("POST", "/threads", open_thread, OpenThread, Posted, status=201),
    Route("GET", f"{_THREAD}/messages", read_messages, ReadMessages, Page[Message]),
    Route("POST", f"{_THREAD}/messages", post_message, PostMessage, Posted, status=201),
    Route("POST", f"{_THREAD}/read", mark_read, MarkRead, Thread),
    Route("POST", f"{_THREAD}/close", close_thread, MoveThread, Thread),
)

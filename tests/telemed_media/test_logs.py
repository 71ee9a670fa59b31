"""What may stand in the log: nothing that identifies a patient."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from telemed_media import logs

ALICE = {
    "name": "Alice Example",
    "text": "I have a rash",
    "token": "eyJhbGciOiJFZDI1NTE5In0.secret",
    "seat": "c2VhdC1rZXktb2YtYWxpY2U",
    "sdp": "v=0 o=alice 1 1 IN IP4 203.0.113.7",
    "url": "https://call.example/join?secret=alice",
    "address": "203.0.113.7",
    "email": "alice@example.org",
}


@pytest.fixture
def written() -> Iterator[tuple[io.StringIO, logs.AllowList]]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    yield stream, logs.configure("front", stream)
    structlog.reset_defaults()
    root.handlers[:], root.level, sys.excepthook = handlers, level, hook


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ids_states_counts_and_durations_pass(
    written: tuple[io.StringIO, logs.AllowList],
) -> None:
    structlog.get_logger().info("joined", room="r-1", participant="p-1", count=2, duration_s=0.5)
    (line,) = lines(written[0])
    assert line.items() >= {
        "event": "joined", "process": "front", "level": "info",
        "room": "r-1", "participant": "p-1", "count": 2, "duration_s": 0.5,
    }.items()  # fmt: skip


def test_a_patient_with_every_field_set_leaves_no_trace(
    written: tuple[io.StringIO, logs.AllowList],
) -> None:
    stream, allow_list = written
    structlog.get_logger().info("joined", **ALICE)
    (line,) = lines(stream)
    assert line["dropped"] == allow_list.dropped == len(ALICE)
    assert not any(value in stream.getvalue() for value in ALICE.values())


def test_an_allowed_field_carries_no_text_of_any_length_and_no_object(
    written: tuple[io.StringIO, logs.AllowList],
) -> None:
    structlog.get_logger().info("joined", reason="x" * 121, room=ALICE)
    (line,) = lines(written[0])
    assert line["dropped"] == 2
    assert "Alice" not in written[0].getvalue()


def test_an_event_with_a_name_in_it_loses_its_text(
    written: tuple[io.StringIO, logs.AllowList],
) -> None:
    structlog.get_logger().info(f"{ALICE['name']} joined")
    assert lines(written[0])[0]["event"] == "unnamed_event"
    assert "Alice" not in written[0].getvalue()


def test_an_exception_leaves_class_frames_and_reference_but_no_message(
    written: tuple[io.StringIO, logs.AllowList],
) -> None:
    try:
        raise ValueError(ALICE["sdp"])
    except ValueError:
        structlog.get_logger().exception("offer_failed")
    (line,) = lines(written[0])
    assert line["error"] == "ValueError"
    assert line["frames"][-1].startswith("telemed_media/test_logs.py:")
    assert len(line["reference"]) == 8
    assert "alice" not in written[0].getvalue()


def test_of_a_group_of_exceptions_the_first_is_told(
    written: tuple[io.StringIO, logs.AllowList],
) -> None:
    failure = ExceptionGroup("tasks", [KeyError("Alice"), ValueError("Bob")])
    structlog.get_logger().error("task_failed", exc_info=failure)
    assert lines(written[0])[0]["error"] == "KeyError"


def test_records_of_libraries_keep_their_logger_only(
    written: tuple[io.StringIO, logs.AllowList],
) -> None:
    logging.getLogger("aiohttp.access").warning("GET %s", ALICE["url"])
    logging.getLogger("aioice.ice").info("candidate %s", ALICE["address"])
    (line,) = lines(written[0])
    assert line.items() >= {"event": "library_message", "logger": "aiohttp.access"}.items()
    assert "alice" not in written[0].getvalue()


def test_an_uncaught_exception_is_reduced_too(
    written: tuple[io.StringIO, logs.AllowList],
) -> None:
    sys.excepthook(ValueError, ValueError(ALICE["name"]), None)
    assert lines(written[0])[0].items() >= {
        "event": "uncaught_exception", "error": "ValueError",
    }.items()  # fmt: skip
    assert "Alice" not in written[0].getvalue()

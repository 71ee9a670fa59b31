"""Logs that cannot identify a patient.

One JSON object per line on stderr, or coloured lines on a terminal. An event is a fixed text in
lower case; beside it only the fields listed here pass, and only as numbers or short strings:
everything else is dropped, and counted in `dropped`. An exception becomes its class, its frames and
a reference number; its message is not written, because messages quote what people typed. Records of
libraries keep their logger's name and level alone, for the same reason.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog

from telemed_media.log_gate import LogGate

ALLOWED_FIELDS = frozenset(
    {
        "process", "pid", "logger", "level", "timestamp", "event", "dropped",
        "room", "peer", "participant", "connection", "slot", "visit", "file",  # opaque ids
        "state", "reason", "code", "status", "method", "route", "kind", "source", "codec", "role",
        "count", "attempt", "port", "exit_code", "size_bytes",
        "duration_s", "duration_ms", "delay_s", "days_left", "loss", "rtt_ms",
        "error", "frames", "reference",
    }
)  # fmt: skip
EVENT = re.compile(r"^[a-z][a-z0-9_ ]{2,60}$")
MAX_TEXT = 120
MAX_FRAMES = 30

Event = MutableMapping[str, Any]


class AllowList:
    """The last processor before rendering: passes allowed fields and counts what it dropped."""

    def __init__(self) -> None:
        self.dropped = 0

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        passed = {name: value for name, value in event.items() if _may_pass(name, value)}
        missing = len(event) - len(passed)
        if missing:
            self.dropped += missing
            passed["dropped"] = missing
        passed.setdefault("event", "unnamed_event")
        return passed


def configure(process: str, stream: TextIO) -> AllowList:
    """Send structlog and the logging module of this process through the allow-list to `stream`."""
    allow_list = AllowList()
    chain: list[structlog.types.Processor] = [
        LogGate(),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_process(process),
        reduce_exception,
        allow_list,
        structlog.dev.ConsoleRenderer() if stream.isatty() else structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[LibraryHandler()], level=logging.WARNING, force=True)
    sys.excepthook = _log_uncaught
    return allow_list


class LibraryHandler(logging.Handler):
    """Hands records of the logging module to structlog, without their text."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger()
        failure = record.exc_info[1] if record.exc_info else None
        name = record.getMessage() if EVENT.match(str(record.msg)) else "library_message"
        logger.log(max(record.levelno, logging.INFO), name, logger=record.name, exc_info=failure)


def reduce_exception(_logger: object, _method: str, event: Event) -> Event:
    """Replace `exc_info` by class, frames (file:line function) and a reference number."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    failure = found[1] if isinstance(found, tuple) else found
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]  # the first to fail ended the others
    if isinstance(failure, BaseException):
        event["error"] = type(failure).__qualname__
        event["frames"] = frames_of(failure)
        event.setdefault("reference", new_reference())
    return event


def new_reference() -> str:
    """A number that a person can read out, to find the exception in the log."""
    return secrets.token_hex(4)


def frames_of(failure: BaseException) -> list[str]:
    """Where it happened, innermost last, without source lines and values."""
    summary = traceback.extract_tb(failure.__traceback__)[-MAX_FRAMES:]
    return [f"{_short_path(frame.filename)}:{frame.lineno} {frame.name}" for frame in summary]


def _short_path(path: str) -> str:
    return "/".join(path.split("/")[-2:])


def _name_process(process: str) -> structlog.types.Processor:
    def name_process(_logger: object, _method: str, event: Event) -> Event:
        event["process"] = process
        return event

    return name_process


def _may_pass(name: str, value: object) -> bool:
    if name not in ALLOWED_FIELDS:
        return False
    if name == "event":
        return isinstance(value, str) and bool(EVENT.match(value))
    if name == "frames":
        return isinstance(value, list)
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    return value is None or isinstance(value, int | float)


def _log_uncaught(
    _kind: type[BaseException], failure: BaseException, _trace: TracebackType | None
) -> None:
    structlog.get_logger().critical("uncaught_exception", exc_info=failure)

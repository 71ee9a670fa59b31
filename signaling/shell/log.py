"""The log lines of call control. The signature is the allow-list.

Only ids, codes, counts and durations have a parameter here: there is none for a name, a token, a
seat key, an SDP or a chat text, so none can be logged by mistake. Of an unforeseen exception the
class and the frames are kept, not the message: it may quote what a person wrote.
"""

from __future__ import annotations

import secrets
import traceback

import structlog

_logger = structlog.get_logger("signaling")


def note(
    event: str,
    *,
    room: str | None = None,
    participant: str | None = None,
    connection: str | None = None,
    code: str | None = None,
    count: int | None = None,
    duration_s: float | None = None,
) -> None:
    """Write one line about something that was foreseen."""
    fields: dict[str, str | int | float | None] = {
        "room": room,
        "participant": participant,
        "connection": connection,
        "code": code,
        "count": count,
        "duration_s": duration_s,
    }
    given = {key: value for key, value in fields.items() if value is not None}
    _logger.info(event, **given)


def bug(event: str, problem: BaseException, *, room: str | None = None) -> str:
    """Write one line about something that nobody foresaw; returns its reference number."""
    reference = secrets.token_hex(4)
    frames = [
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}:{frame.name}"
        for frame in traceback.extract_tb(problem.__traceback__)
    ]
    _logger.error(
        event, error=type(problem).__name__, frames=frames, reference=reference, room=room
    )
    return reference

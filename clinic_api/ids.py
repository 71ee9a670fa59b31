"""Public ids: UUIDv7 (RFC 9562 5.7), sortable by time, telling nothing else."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def new_id(now: datetime, nth: int = 0) -> str:
    """48 bits of Unix milliseconds, 12 of their fraction (6.2 method 3), 8 of `nth`, then chance.

    The usual 36 characters; up to 256 ids of one instant sort by `nth`.
    """
    microseconds = (now - _EPOCH) // _MICROSECOND
    milliseconds, rest = divmod(microseconds, 1000)
    value = milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1000) << 64
    value |= 0b10 << 62 | (nth & 0xFF) << 54 | secrets.randbits(54)
    return str(uuid.UUID(int=value))


def is_id(text: str) -> bool:
    """Whether it has the form of one of our ids."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False

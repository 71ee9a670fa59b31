"""Public ids: UUIDv7 (RFC 9562 5.7), sortable by time, telling nothing else."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime


def new_id(now: datetime) -> str:
    """48 bits of Unix milliseconds, then chance; as the usual 36 characters."""
    milliseconds = int(now.timestamp() * 1000)
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    value |= 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def is_id(text: str) -> bool:
    """Whether it has the form of one of our ids."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False

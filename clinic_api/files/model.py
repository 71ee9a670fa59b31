"""Files that people hand in: what is known of one, on its way in, at rest and on its way out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Literal

import msgspec

MAX_FILE_BYTES = 25 * 1024 * 1024  # a long report with pictures, or ten photos of a phone
NAME_CHARS = 200

# received: there is no virus scanner, the file is given out. quarantined: the scanner has not seen
# it, nobody gets it. refused: the scanner found something, the bytes are gone.
State = Literal["received", "quarantined", "clean", "refused"]
GIVEN_OUT: frozenset[State] = frozenset({"received", "clean"})


class ReceivedFile(msgspec.Struct, frozen=True, kw_only=True):
    """On disk, whole and forced there; no row names it yet."""

    id: str
    name: str  # as its owner called it, with the ending of its type
    media_type: str
    size: int  # bytes
    sha256: str  # hexadecimal
    state: State


class FileView(msgspec.Struct, frozen=True, kw_only=True):
    """A file as people see it. `finding` is what the virus scanner called it, else empty."""

    name: str
    media_type: str
    size: int
    state: State
    finding: str


class GivenFile(msgspec.Struct, frozen=True, kw_only=True):
    """What may leave, now."""

    id: str
    name: str
    media_type: str
    size: int
    etag: str


class Streamed(msgspec.Struct, frozen=True, kw_only=True):
    """What is made while it is sent; what `parts` raises after the first one cuts it off."""

    name: str
    media_type: str
    parts: AsyncGenerator[bytes, None]

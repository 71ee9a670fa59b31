"""Writes an archive part by part, for somewhere that cannot be sought in (APPNOTE 4.3.9)."""

from __future__ import annotations

import zipfile
from datetime import datetime
from types import TracebackType
from typing import IO, Self


class _Sink:
    """What was written and not taken yet."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes, /) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """What was not taken can be taken still."""

    def take(self) -> bytes:
        taken, self._held = bytes(self._held), bytearray()
        return taken


class ZipStream:
    """One entry after the other; what each call gives back has to be sent on, in this order."""

    def __init__(self, made_at: datetime) -> None:
        """`made_at` is the time of every entry."""
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_DEFLATED)
        self._date_time = made_at.timetuple()[:6]
        self._entry: IO[bytes] | None = None

    def begin(self, name: str, *, compressed: bool = True) -> bytes:
        """The next entry; the one before is over."""
        self._end_entry()
        info = zipfile.ZipInfo(name, self._date_time)
        info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        self._entry = self._zip.open(info, "w", force_zip64=True)
        return self._sink.take()

    def write(self, data: bytes) -> bytes:
        """More of the entry."""
        assert self._entry is not None, "begin one first"
        self._entry.write(data)
        return self._sink.take()

    def finish(self) -> bytes:
        """The directory, by which an archive is known to be whole."""
        self._end_entry()
        self._zip.close()
        return self._sink.take()

    def _end_entry(self) -> None:
        if self._entry is not None:
            self._entry.close()
            self._entry = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Where it was not finished, nothing more is written: it stays cut off."""
        self._zip.fp = None

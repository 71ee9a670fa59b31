"""Reading a sealed file anywhere, as readers of archives need it; each chunk opens by itself."""

from __future__ import annotations

import io

from clinic_api.sealed_file import CHUNK_BYTES, SealedChunks


class SeekingReader(io.RawIOBase):
    """`size` is the length of the text. Raises SealedFileError where a chunk does not open."""

    def __init__(self, chunks: SealedChunks, size: int) -> None:
        self._chunks = chunks
        self._size = size
        self._at = 0
        self._number = -1
        self._chunk = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if begin + offset < 0:
            raise ValueError("before the beginning")
        self._at = begin + offset
        return self._at

    def readinto(self, buffer: object, /) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if self._at >= self._size:
            return 0
        number, inside = divmod(self._at, CHUNK_BYTES)
        if number != self._number:
            self._chunk = self._chunks.chunk(number, self._size)
            self._number = number
        taken = min(len(target), len(self._chunk) - inside)
        target[:taken] = self._chunk[inside : inside + taken]
        self._at += taken
        return taken

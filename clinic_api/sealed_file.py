"""Files sealed in chunks: read and written as a stream, whole or refused.

    magic (8 bytes) | key id (4 bytes, big endian) | salt (32 bytes) | chunk | … | last chunk

Each chunk is 64 KiB of text (the last may be shorter, or empty) by AES-256-GCM, with a tag of 16
bytes. The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce is 7 zero
bytes, the chunk's number (4 bytes) and a flag for the last (1 byte), under a key that is this
file's own by its salt. So a chunk that was changed, swapped, repeated, left out or taken from
another file does not open, and neither does a file that was cut or added to.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clinic_api.sealing import joined

MAGIC = b"TMSEAL1\n"
CHUNK_BYTES = 65_536
SALT_BYTES = 32
HEAD_BYTES = len(MAGIC) + 4 + SALT_BYTES
_TAG_BYTES = 16
_MOST_CHUNKS = 2**32  # the number has 4 bytes: 256 TiB

FileKey = Callable[[int, bytes], bytes]  # key id, salt → 32 bytes; Keyring.file_key is one


class SealedFileError(Exception):
    """The file is not one of ours, not whole, not unchanged, or not in its place."""


class SealedWriter(io.RawIOBase):
    """Write text, then `finish()`; a file that was not finished will be refused.

    `place` (kind, id, …) has to be the same at reading. The target stays open.
    """

    def __init__(self, target: BinaryIO, file_key: FileKey, key_id: int, *place: str) -> None:
        salt = secrets.token_bytes(SALT_BYTES)
        head = MAGIC + key_id.to_bytes(4, "big") + salt
        self._target = target
        self._cipher = AESGCM(file_key(key_id, salt))
        self._associated = head + joined(*place)
        self._number = 0
        self._waiting = bytearray()
        self._target.write(head)

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        added = memoryview(data).cast("B")  # type: ignore[arg-type]
        self._waiting += added
        while len(self._waiting) > CHUNK_BYTES:  # one that is full may still be the last
            self._put(bytes(self._waiting[:CHUNK_BYTES]), last=False)
            del self._waiting[:CHUNK_BYTES]
        return len(added)

    def finish(self) -> None:
        """Put the last chunk. Not part of `close`, which an error or the collector may call."""
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()
        self.close()

    def _put(self, text: bytes, *, last: bool) -> None:
        nonce = _nonce(self._number, last=last)
        self._target.write(self._cipher.encrypt(nonce, text, self._associated))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Read the text back. Each read raises SealedFileError before a changed byte is given away.

    That the file was cut is known at its end only: read to the end before acting on it.
    """

    def __init__(self, source: BinaryIO, file_key: FileKey, *place: str) -> None:
        self._chunks = unsealed_chunks(source, file_key, *place)
        self._waiting = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._waiting:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._waiting = chunk
        taken = min(len(target), len(self._waiting))
        target[:taken] = self._waiting[:taken]
        self._waiting = self._waiting[taken:]
        return taken


def unsealed_chunks(source: BinaryIO, file_key: FileKey, *place: str) -> Iterator[bytes]:
    """The text in parts of up to 64 KiB. Raises SealedFileError, KeyError for an unknown key."""
    cipher, associated = _begun(source, file_key, place)
    sealed = _read_whole(source)
    for number in range(_MOST_CHUNKS):
        following = _read_whole(source)
        yield _open(cipher, number, sealed, associated, last=not following)
        if not following:
            return
        sealed = following
    raise SealedFileError("The sealed file is too long.")


class SealedChunks:
    """The chunks of a file of a known length, in any order: each opens by itself."""

    def __init__(self, source: BinaryIO, file_key: FileKey, *place: str) -> None:
        """Raises SealedFileError, KeyError for an unknown key."""
        self._source = source
        self._cipher, self._associated = _begun(source, file_key, place)

    def chunk(self, number: int, size: int) -> bytes:
        """Part `number`, from 0, of a text of `size` bytes. Raises SealedFileError."""
        self._source.seek(HEAD_BYTES + number * (CHUNK_BYTES + _TAG_BYTES))
        last = number == _last_chunk(size)
        return _open(self._cipher, number, _read_whole(self._source), self._associated, last=last)


def sealed_bytes(size: int) -> int:
    """How long the file is that holds a text of `size` bytes."""
    return HEAD_BYTES + size + (_last_chunk(size) + 1) * _TAG_BYTES


def _last_chunk(size: int) -> int:
    return max(0, size - 1) // CHUNK_BYTES


def _begun(source: BinaryIO, file_key: FileKey, place: tuple[str, ...]) -> tuple[AESGCM, bytes]:
    """Reads the head: the file's cipher and what is bound to each chunk."""
    head = source.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES or not head.startswith(MAGIC):
        raise SealedFileError("This is not a sealed file.")
    key_id = int.from_bytes(head[len(MAGIC) :][:4], "big")
    return AESGCM(file_key(key_id, head[-SALT_BYTES:])), head + joined(*place)


def _open(cipher: AESGCM, number: int, sealed: bytes, associated: bytes, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, last=last), sealed, associated)
    except (InvalidTag, ValueError):  # ValueError: shorter than a tag
        raise SealedFileError(
            f"The sealed file was changed or cut: part {number + 1} does not open."
        ) from None


def _read_whole(source: BinaryIO) -> bytes:
    """One sealed chunk, also from a source that reads in smaller parts."""
    parts, wanted = [], CHUNK_BYTES + _TAG_BYTES
    while wanted and (part := source.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + bytes([last])

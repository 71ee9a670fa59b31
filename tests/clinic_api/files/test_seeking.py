"""A sealed file read anywhere gives the same as the text; a changed part gives nothing."""

from __future__ import annotations

import io
import random

import pytest

from clinic_api.files.seeking import SeekingReader
from clinic_api.sealed_file import (
    CHUNK_BYTES,
    SealedChunks,
    SealedFileError,
    SealedWriter,
    sealed_bytes,
)

KEY = bytes(32)


def sealed(text: bytes) -> io.BytesIO:
    target = io.BytesIO()
    writer = SealedWriter(target, lambda *_: KEY, 1, "test")
    writer.write(text)
    writer.finish()
    return target


def reader(file: io.BytesIO, size: int) -> SeekingReader:
    file.seek(0)
    return SeekingReader(SealedChunks(file, lambda *_: KEY, "test"), size)


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
)
def test_its_length_is_known_and_every_place_can_be_read(size: int) -> None:
    text = random.Random(size).randbytes(size)
    file = sealed(text)
    assert len(file.getvalue()) == sealed_bytes(size)
    with io.BufferedReader(reader(file, size)) as found:
        for at in (0, 1, size // 2, CHUNK_BYTES - 1, size - 1, size, size + 5):
            if at >= 0:
                found.seek(at)
                assert found.read(70_000) == text[at : at + 70_000]
        assert found.seek(-min(3, size), io.SEEK_END) == size - min(3, size)


def test_a_part_in_the_place_of_another_does_not_open() -> None:
    file = sealed(bytes(3 * CHUNK_BYTES))
    data = bytearray(file.getvalue())
    one = CHUNK_BYTES + 16
    head = len(data) - 3 * one
    data[head : head + one] = data[head + one : head + 2 * one]
    with pytest.raises(SealedFileError):
        reader(io.BytesIO(bytes(data)), 3 * CHUNK_BYTES).read(1)


def test_a_longer_file_is_no_shorter_one() -> None:
    file = sealed(bytes(CHUNK_BYTES + 10))
    with pytest.raises(SealedFileError):
        reader(file, CHUNK_BYTES).read(1)

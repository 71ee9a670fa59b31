"""Sealed files come back whole, or are refused: cut, swapped, repeated, added to, moved."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic_api.keyring import derived
from clinic_api.sealed_file import (
    CHUNK_BYTES,
    MAGIC,
    SALT_BYTES,
    SealedFileError,
    SealedReader,
    SealedWriter,
    unsealed_chunks,
)

HEAD = len(MAGIC) + 4 + SALT_BYTES
PART = CHUNK_BYTES + 16
PLACE = ("documents", "0199-alice")


def file_key(key_id: int, salt: bytes) -> bytes:
    return derived({7: b"s" * 32}[key_id], b"test", salt)


def sealed(text: bytes, *place: str) -> bytes:
    target = io.BytesIO()
    writer = SealedWriter(target, file_key, 7, *(place or PLACE))
    writer.write(text)
    writer.finish()
    return target.getvalue()


def opened(content: bytes, *place: str) -> bytes:
    return b"".join(unsealed_chunks(io.BytesIO(content), file_key, *(place or PLACE)))


TEXT = b"".join(bytes([number]) * CHUNK_BYTES for number in range(3)) + b"the end"
FILE = sealed(TEXT)
PARTS = [FILE[HEAD + PART * n :][:PART] for n in range(4)]


@settings(max_examples=20)
@given(
    st.sampled_from([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]),
    st.integers(1, 200_000),
)
def test_a_file_comes_back_however_it_is_written_and_read(length: int, step: int) -> None:
    text = bytes(n % 251 for n in range(length))
    target = io.BytesIO()
    writer = SealedWriter(target, file_key, 7, *PLACE)
    for start in range(0, length, step):
        writer.write(text[start : start + step])
    writer.finish()
    target.seek(0)
    reader = io.BufferedReader(SealedReader(target, file_key, *PLACE))
    assert b"".join(iter(lambda: reader.read(step), b"")) == text


def test_the_file_shows_nothing_of_its_text() -> None:
    assert b"the end" not in FILE
    assert sealed(TEXT) != FILE


@pytest.mark.parametrize(
    "length", [0, 5, HEAD - 1, HEAD, HEAD + 1, HEAD + PART, HEAD + 3 * PART, len(FILE) - 1]
)
def test_a_file_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(SealedFileError):
        opened(FILE[:length])


@pytest.mark.parametrize(
    "order", [(1, 0, 2, 3), (0, 2, 1, 3), (0, 1, 3), (0, 1, 1, 2, 3), (0, 1, 2, 3, 3), (3,)]
)
def test_parts_in_another_order_are_refused(order: tuple[int, ...]) -> None:
    with pytest.raises(SealedFileError):
        opened(FILE[:HEAD] + b"".join(PARTS[n] for n in order))


def test_what_was_added_is_refused() -> None:
    with pytest.raises(SealedFileError):
        opened(FILE + b"more")
    with pytest.raises(SealedFileError):
        opened(sealed(TEXT[: 2 * CHUNK_BYTES]) + FILE[HEAD:])


@pytest.mark.parametrize("position", [0, 8, 20, HEAD, HEAD + PART + 9, len(FILE) - 1])
def test_a_changed_byte_is_refused(position: int) -> None:
    changed = bytearray(FILE)
    changed[position] ^= 1
    with pytest.raises((SealedFileError, KeyError)):
        opened(bytes(changed))


def test_a_part_of_another_file_with_the_same_key_is_refused() -> None:
    other = sealed(TEXT)
    with pytest.raises(SealedFileError):
        opened(FILE[:HEAD] + other[HEAD:][:PART] + FILE[HEAD + PART :])


def test_a_file_in_another_place_is_refused() -> None:
    with pytest.raises(SealedFileError):
        opened(FILE, "documents", "0199-charlie")


def test_a_file_that_was_not_finished_is_refused() -> None:
    target = io.BytesIO()
    writer = SealedWriter(target, file_key, 7, *PLACE)
    writer.write(TEXT)
    writer.close()
    with pytest.raises(SealedFileError):
        opened(target.getvalue())


def test_nothing_of_a_changed_part_is_given_away() -> None:
    changed = bytearray(FILE)
    changed[HEAD + PART] ^= 1
    chunks = unsealed_chunks(io.BytesIO(bytes(changed)), file_key, *PLACE)
    assert next(chunks) == TEXT[:CHUNK_BYTES]
    with pytest.raises(SealedFileError, match="part 2 does not open"):
        next(chunks)

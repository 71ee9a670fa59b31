"""One sealed value: opens in its own place and row, unchanged, or not at all."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from clinic_api import sealing

CIPHER = AESGCM(bytes(range(32)))
PLACE, ROW = "notes.text", "0199-alice"
SEALED = sealing.seal(CIPHER, 1, PLACE, ROW, b"Alice sleeps badly.")


@given(st.text(), st.text(), st.binary(max_size=300), st.integers(0, 2**32 - 1))
def test_what_is_sealed_opens_in_its_own_place(
    place: str, row_id: str, text: bytes, key_id: int
) -> None:
    sealed = sealing.seal(CIPHER, key_id, place, row_id, text)
    assert sealing.key_id_of(sealed) == key_id
    assert sealing.unseal(CIPHER, place, row_id, sealed) == text


@pytest.mark.parametrize(
    ("place", "row_id"),
    [("notes.draft", ROW), (PLACE, "0199-charlie"), ("notes.text0199", "-alice"), (ROW, PLACE)],
)
def test_a_value_that_was_moved_does_not_open(place: str, row_id: str) -> None:
    with pytest.raises(InvalidTag):
        sealing.unseal(CIPHER, place, row_id, SEALED)


@pytest.mark.parametrize("position", range(len(SEALED)))
def test_a_value_of_which_one_bit_was_changed_does_not_open(position: int) -> None:
    changed = bytearray(SEALED)
    changed[position] ^= 1
    with pytest.raises((InvalidTag, sealing.Unreadable)):
        sealing.key_id_of(bytes(changed))
        sealing.unseal(CIPHER, PLACE, ROW, bytes(changed))


@pytest.mark.parametrize("length", range(len(SEALED)))
def test_a_value_that_was_cut_does_not_open(length: int) -> None:
    with pytest.raises((InvalidTag, sealing.Unreadable)):
        sealing.key_id_of(SEALED[:length])
        sealing.unseal(CIPHER, PLACE, ROW, SEALED[:length])


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert sealing.seal(CIPHER, 1, PLACE, ROW, b"yes") != sealing.seal(
        CIPHER, 1, PLACE, ROW, b"yes"
    )


@given(st.lists(st.text(max_size=5)), st.lists(st.text(max_size=5)))
def test_two_lists_of_parts_never_join_to_the_same_bytes(left: list[str], right: list[str]) -> None:
    assert (sealing.joined(*left) == sealing.joined(*right)) == (left == right)

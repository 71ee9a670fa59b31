"""Links, codes and what people make of them when they type."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from clinic_api.db import Database
from clinic_api.visits import links

IDS = st.uuids(version=4).map(str)


@given(row_id=IDS)
def test_an_id_in_a_token_is_read_back(row_id: str) -> None:
    assert links.id_in(links.short_id(row_id) + ".mac") == row_id


@given(st.text(max_size=80))
def test_whatever_is_sent_as_a_token_is_an_id_or_none(text: str) -> None:
    found = links.id_in(text)
    assert found is None or str(uuid.UUID(found)) == found


async def test_each_generation_has_a_link_a_code_and_digits_of_its_own(
    sqlite_database: Database,
) -> None:
    keys, row_id = sqlite_database.keys, "01a20def-7b4e-7648-a7a2-441407f9f357"
    generations = range(1, 200)
    tokens = {links.token_of(keys, row_id, number) for number in generations}
    codes = {links.code_of(keys, row_id, number) for number in generations}
    assert len(tokens) == len(codes) == 199
    assert all(len(code) == 8 and not set(code) & set("0O1IL5S8B") for code in codes)
    assert {len(links.confirmation_of(keys, row_id, n, 0)) for n in generations} == {6}
    token = links.token_of(keys, row_id, 7)
    assert links.generation_of(keys, token, row_id, 9) == 7
    assert links.generation_of(keys, token, row_id, 6) is None
    assert links.generation_of(keys, token[:-1], row_id, 9) is None


def test_a_code_is_read_in_any_case_and_grouping() -> None:
    assert links.tidy_code(" hwpg-7w ra ") == "HWPG7WRA"
    for typed in ("123456", " 123 456 ", "123-456", "12 34 56"):
        assert links.tidy_confirmation(typed) == "123456"

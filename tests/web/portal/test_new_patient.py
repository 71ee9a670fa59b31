"""A new record, made by staff: all that is known, and a hint where somebody is there already."""

from __future__ import annotations

import pytest

from tests.web.portal.conftest import Readers

NORA = {
    "name": "Nora Nowak",
    "birth_date": "1990-02-03",
    "language": "pl",
    "phones": "+33 1 42 68 53 00",
    "address_lines": "Rue Haute 5",
    "postal_code": "69001",
    "city": "Lyon",
    "country": "FR",
    "wish_sms": "never",
    "wish_email": "only",
    "only_email": "Nora@example.org",
}


async def test_the_desk_makes_a_record_and_reads_it(reader: Readers) -> None:
    carol = reader("carol")
    made = await carol.post("/patients/new", **NORA)
    assert made.status == 303
    page = (await carol.open(made.path)).words
    for text in ("Nora Nowak", "Rue Haute 5, 69001 Lyon", "Polish", "by text message: never"):
        assert text in page
    assert "nora@example.org" in page


async def test_the_same_name_and_birth_date_are_shown_before_a_second_record_is_made(
    reader: Readers,
) -> None:
    carol = reader("carol")
    first = await carol.post("/patients/new", **NORA)
    again = await carol.post("/patients/new", **(NORA | {"name": "NOWAK nora"}))
    assert (again.status, first.path in again.text) == (409, True)
    assert (await carol.post("/patients/new", **NORA, anyway="yes")).status == 303


@pytest.mark.parametrize(
    ("field", "value"), [("birth_date", ""), ("only_email", ""), ("phones", "12"), ("name", "")]
)
async def test_a_wrong_field_is_told_where_it_stands(
    reader: Readers, field: str, value: str
) -> None:
    page = await reader("carol").post("/patients/new", **(NORA | {field: value}))
    assert (page.status, f'id="{field}-error"' in page.text) == (422, True)

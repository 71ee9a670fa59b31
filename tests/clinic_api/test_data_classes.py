"""Every column is classed, and what is classed as sealed can hold nothing readable."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, Text

from clinic_api.data_classes import CLASSES, SHARED, DataClass
from clinic_api.tables import metadata

# Words in a column's name that tell of what has to be sealed.
TELLTALE = ("note", "reason", "text", "message", "answer", "secret", "symptom", "body", "comment")
# Clear in spite of such a word, and why.
PUBLIC = {
    "consent_texts.text": "published to everybody",
    "outbox.reason": "one of a few codes",
}


def problems(metadata: MetaData, classes: dict[str, dict[str, DataClass]]) -> list[str]:
    """What is wrong between the tables and the list, in words."""
    found = [f"{name}: no such table" for name in classes.keys() - metadata.tables.keys()]
    for name, table in metadata.tables.items():
        listed = classes.get(name, {})
        columns = {column.name: column for column in table.columns}
        implied = set(SHARED) if set(SHARED) <= columns.keys() else set()
        unlisted = columns.keys() - listed.keys() - implied
        found += [f"{name}.{each}: not listed" for each in unlisted]
        found += [f"{name}.{each}: no such column" for each in listed.keys() - columns.keys()]
        found += [
            f"{name}.{each}: {kind}, but not LargeBinary"
            for each, kind in listed.items()
            if kind != "clear" and each in columns
            if not isinstance(columns[each].type, LargeBinary)
        ]
    return sorted(found)


def test_every_column_of_the_clinic_is_classed() -> None:
    assert problems(metadata, CLASSES) == []


def test_an_unlisted_column_a_foreign_one_and_readable_seals_are_found() -> None:
    other = MetaData()
    Table("letters", other, Column("id", String), Column("text", String), Column("new", String))
    assert problems(other, {"letters": {"id": "clear", "text": "sealed", "old": "clear"}}) == [
        "letters.new: not listed",
        "letters.old: no such column",
        "letters.text: sealed, but not LargeBinary",
    ]
    assert problems(other, {"lost": {}})[-1] == "lost: no such table"


@pytest.mark.parametrize("word", TELLTALE)
def test_a_column_that_sounds_like_a_secret_is_not_clear_text(word: str) -> None:
    readable = [
        f"{name}.{column.name}"
        for name, table in metadata.tables.items()
        for column in table.columns
        if word in column.name.split("_") and not column.name.endswith("_id")
        if isinstance(column.type, (String, Text))
    ]
    assert set(readable) <= PUBLIC.keys()

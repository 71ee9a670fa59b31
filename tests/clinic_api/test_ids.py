"""Public ids."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from clinic_api.ids import is_id, new_id

NOW = datetime(2026, 5, 28, 12, tzinfo=UTC)


def test_an_id_is_a_uuid_of_version_7_that_carries_its_millisecond() -> None:
    value = uuid.UUID(new_id(NOW))
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert value.int >> 80 == int(NOW.timestamp() * 1000)


def test_later_ids_sort_after_earlier_ones() -> None:
    made = [new_id(NOW + timedelta(milliseconds=step)) for step in range(50)]
    assert made == sorted(made)


def test_ids_of_microseconds_and_of_one_instant_sort_in_their_order() -> None:
    made = [new_id(NOW + timedelta(microseconds=step), nth) for step in range(50) for nth in (1, 2)]
    assert made == sorted(made)


def test_ids_of_one_moment_differ() -> None:
    assert len({new_id(NOW) for _ in range(1000)}) == 1000


def test_only_the_canonical_form_counts_as_an_id() -> None:
    good = new_id(NOW)
    assert is_id(good)
    for bad in ("", "1", good.upper(), good.replace("-", ""), f"{{{good}}}", f"{good} ", "x" * 36):
        assert not is_id(bad)

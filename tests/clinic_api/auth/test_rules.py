"""Rules without a database: how long sessions last, how long tries wait, states, names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest

from clinic_api.auth import attempts, model, sessions, throttle
from clinic_api.auth.model import Event, Level, UserState
from clinic_api.errors import Refused

START = datetime(2026, 5, 28, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def times(
    active_min: float = 0, level: Level = "full", ended_min: float | None = None
) -> sessions.Times:
    """Of a session that began at START."""
    return sessions.Times(
        created_at=START,
        active_at=START + active_min * MINUTE,
        ended_at=None if ended_min is None else START + ended_min * MINUTE,
        level=level,
    )


@pytest.mark.parametrize(
    ("known", "staff", "last_min"),
    [
        (times(), True, 15),
        (times(), False, 30),
        (times(active_min=100), True, 115),
        (times(active_min=100), False, 130),
        (times(active_min=719), True, 720),
        (times(active_min=719), False, 720),
        (times(level="password"), False, 10),
        (times(level="enrolling", active_min=9), True, 10),
        (times(active_min=5, ended_min=6), True, 6),
    ],
)
def test_a_session_stands_until_its_end_and_no_longer(
    known: sessions.Times, staff: bool, last_min: float
) -> None:
    end = START + last_min * MINUTE
    assert sessions.ends_at(known, staff=staff) == end
    just_before = end - timedelta(microseconds=1)
    assert sessions.stands(known, just_before, staff=staff) == (known.ended_at is None)
    assert not sessions.stands(known, end, staff=staff)


def test_activity_is_worth_a_write_every_thirty_seconds() -> None:
    assert not sessions.is_worth_noting(times(), START + timedelta(seconds=29))
    assert sessions.is_worth_noting(times(), START + timedelta(seconds=30))


def waits_s(subject: throttle.Subject, count: int) -> float:
    tries = throttle.Tries(count, START)
    return throttle.wait(throttle.LIMITS[subject], tries, START).total_seconds()


def test_a_few_tries_are_free_and_then_each_wait_is_twice_the_last() -> None:
    assert [waits_s("login", count) for count in range(1, 10)] == [0, 0, 0, 0, 2, 4, 8, 16, 32]
    assert waits_s("login", 60) == 15 * 60
    assert waits_s("login", 99) == 15 * 60


@pytest.mark.parametrize("subject", ["login", "code"])
def test_after_a_hundred_tries_in_a_row_only_a_reset_opens_it(subject: throttle.Subject) -> None:
    limit, tries = throttle.LIMITS[subject], throttle.Tries(100, START)
    a_year_later = START + timedelta(days=365)
    assert throttle.wait(limit, tries, a_year_later) == throttle.FOREVER


def test_an_address_is_forgiven_after_a_quiet_hour() -> None:
    limit, tries = throttle.LIMITS["address"], throttle.Tries(500, START)
    assert throttle.wait(limit, tries, START + MINUTE) > timedelta()
    later = START + timedelta(hours=1)
    assert throttle.wait(limit, tries, later) == timedelta()
    assert throttle.counted(limit, tries, later) == throttle.Tries(1, later)


def test_an_ipv6_subscriber_is_one_address() -> None:
    assert attempts.network("2001:db8:1:2:aaaa::1") == attempts.network("2001:db8:1:2:bbbb::9")
    assert attempts.network("2001:db8:1:2::1") != attempts.network("2001:db8:1:3::1")
    assert attempts.network("192.0.2.7") == "192.0.2.7"


@pytest.mark.parametrize(("state", "event"), list(product(get_args(UserState), get_args(Event))))
def test_every_event_in_every_state_is_listed_or_refused(state: UserState, event: Event) -> None:
    if (state, event) in model.STATES:
        assert model.after(state, event) == model.STATES[state, event]
        return
    with pytest.raises(Refused) as refused:
        model.after(state, event)
    assert refused.value.code == "illegal_event"
    assert state in refused.value.message
    assert event in refused.value.message


@pytest.mark.parametrize(
    ("typed", "login"),
    [
        ("  Bob@Clinic.Example ", "bob@clinic.example"),
        ("+44 (0)20 7946-0000".replace("(0)", ""), "+442079460000"),
        ("Carol", "carol"),
        ("ＣＡＲＯＬ", "carol"),
    ],
)
def test_a_name_has_one_form(typed: str, login: str) -> None:
    assert model.checked_login(typed) == login


@pytest.mark.parametrize("typed", ["", "ab", "b b", "@x.y", "bob@", "bob@host", "12345", "+12x"])
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(Refused) as refused:
        model.checked_login(typed)
    assert set(refused.value.fields) == {"login"}


@pytest.mark.parametrize("typed", ["", "  ", "A\x00lice", "Alice\u202egnp", "A\nB\x07"])
def test_a_name_to_show_is_printable(typed: str) -> None:
    with pytest.raises(Refused):
        model.checked_name(typed)

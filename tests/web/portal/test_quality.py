"""The page of a visit says how the call went, in a picture and in words, to its staff."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import get_args

import pytest

from clinic_api.actor import system
from clinic_api.db import Database
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.call_log import Peer, PeerLeft, gate_admitted, gate_joined, gate_left
from clinic_api.visits.call_quality import (
    Coming,
    PersonQuality,
    QualityBatch,
    QualityEvent,
    QualityPoint,
    QualityWord,
    VisitQuality,
    note_quality,
)
from clinic_api.visits.quality import Event, EventKind, Point
from clinic_api.visits.service import OneVisit, end_visit
from tests.clinic_api.conftest import Clock
from tests.clinic_api.http.world import World
from tests.web.portal.conftest import Readers
from tests.web.portal.test_standing import visit
from web.portal.quality import NOTHING, STRIP_WIDTH, shown
from web.portal.quality_words import lasting, listed, said_of

GATE = system("gate")
BEGAN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SECTION = re.compile(r'<section class="card quality".*?</section>', re.DOTALL)


def point(at_s: float, **lasted: float) -> QualityPoint:
    levels = {"good_s": 0.0, "fair_s": 0.0, "poor_s": 0.0, "bad_s": 0.0, **lasted}
    return QualityPoint(
        at=BEGAN + timedelta(seconds=at_s),
        until=BEGAN + timedelta(seconds=at_s + sum(levels.values())),
        concealed_percent=1.25,
        frames_per_s=None,
        frozen_s=0.5,
        height=None,
        rtt_ms=80,
        loss_in_percent=2.0,
        loss_out_percent=0.0,
        bandwidth_kbps=None,
        way="turn",
        **levels,
    )


def event(kind: EventKind, **values: object) -> QualityEvent:
    given = {"at": BEGAN, "lasted_s": 12.0, "others": ("b",), "detail": "", **values}
    return QualityEvent(kind=kind, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", get_args(EventKind))
def test_every_event_has_a_sentence_with_names_and_the_time(kind: EventKind) -> None:
    words = said_of(event(kind, detail="tcp"), "Alice", {"b": "Bob"})
    assert "Alice" in words
    assert "12 s" in words or "firewall (TCP)" in words
    assert "Bob" in words or kind in ("reconnected", "media_reconnected", "way_changed")
    assert words.endswith(".")


def test_a_sentence_says_who_could_not_hear_whom_for_how_long_and_why() -> None:
    told = event("microphone_silent", others=("b", "x"))
    words = said_of(told, "Alice", {"b": "Bob"})
    assert words == "Bob and somebody could not hear Alice for 12 s: the microphone was silent."


def test_durations_and_lists_read_as_people_say_them() -> None:
    said = [lasting(seconds) for seconds in (0.2, 59.4, 60, 65, 3600, 4800)]
    assert said == ["1 s", "59 s", "1 min", "1 min 5 s", "1 h", "1 h 20 min"]
    assert [listed(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == [
        *("", "A", "A and B", "A, B and C")
    ]


def test_bars_are_as_long_as_the_levels_lasted_and_go_on_as_the_point_before() -> None:
    points = (point(0, good_s=8.0, bad_s=2.0), point(10, good_s=6.0, bad_s=4.0))
    person = PersonQuality(
        participant_id="Alice", comings=(), points=points, events=(), events_left_out=0
    )
    quality = VisitQuality(visit_id="v", people=(person,))
    (strip,) = shown(quality, visit("ended", "away", "away"), BEGAN).strips
    bars = [(bar.level, bar.x, bar.width) for bar in strip.bars]
    assert bars == [("good", 0, 400), ("bad", 400, 300), ("good", 700, 300)]
    assert strip.summary == "Good for 14 s and bad for 6 s"
    assert [row.levels for row in strip.rows] == ["good 8 s and bad 2 s", "good 6 s and bad 4 s"]


def test_strips_of_all_have_one_scale_and_neighbours_of_one_level_are_one_bar() -> None:
    of_alice = (point(0, good_s=10.0), point(10, good_s=10.0), point(20, bad_s=10.0))
    coming = Coming(joined_at=BEGAN, left_at=BEGAN + timedelta(seconds=100), why="leave")
    people = (
        PersonQuality(
            participant_id="Alice", comings=(), points=of_alice, events=(), events_left_out=0
        ),
        PersonQuality(
            participant_id="Bob", comings=(coming,), points=(), events=(), events_left_out=0
        ),
    )
    found = shown(VisitQuality(visit_id="v", people=people), visit("ended", "away", "away"), BEGAN)
    alice, bob = found.strips
    assert [(bar.x, bar.width, bar.level) for bar in alice.bars] == [
        *((0, STRIP_WIDTH // 5, "good"), (STRIP_WIDTH // 5, STRIP_WIDTH // 10, "bad"))
    ]
    assert alice.summary == "Good for 20 s and bad for 10 s"
    assert (bob.bars, bob.summary) == ((), f"N{NOTHING[1:]}")
    assert [one.words for one in found.happenings] == ["Bob came into the call.", "Bob left."]


# the page


def _comes(tx: Transaction, peer: Peer) -> None:
    gate_joined(tx, GATE, peer)
    gate_admitted(tx, GATE, peer)


async def call(database: Database, world: World, clock: Clock) -> str:
    """Bob could not hear Alice for a while; what is kept of it. Returns the visit's id."""
    visit_id = world.ids["visit_id"]
    known = await database.read(lambda tx: store.visit(tx, visit_id))
    assert known is not None
    seats = await database.read(lambda tx: store.participants_of(tx, visit_id))
    bob = next(one.id for one in seats if one.role == "provider")
    alice = next(one.id for one in seats if one.role == "patient")
    now_ms = round(clock.now_s * 1000)
    for who in (bob, alice):
        peer = Peer(room=known.room, subject=who, peer=who[-8:], at=clock.now_s)
        await database.write(partial(_comes, peer=peer))
    good = Point(at_ms=now_ms, until_ms=now_ms + 10_000, good_ms=10_000, way="udp")
    bad = Point(at_ms=now_ms + 10_000, until_ms=now_ms + 20_000, bad_ms=10_000, rtt_ms=77)
    silent = Event(kind="microphone_silent", at_ms=now_ms + 9000, lasted_ms=12_000, others=(bob,))
    words: list[tuple[str, Point | Event]] = [
        (bob, good),
        (bob, bad),
        (alice, good),
        (alice, silent),
    ]
    batch = QualityBatch("1", tuple(QualityWord(known.room, who, said) for who, said in words))
    await database.write(lambda tx: note_quality(tx, GATE, batch))
    clock.advance(30)
    left = PeerLeft(room=known.room, subject=alice, peer=alice[-8:], at=clock.now_s, why="leave")
    await database.write(lambda tx: gate_left(tx, GATE, left))
    return visit_id


async def test_the_page_of_a_finished_visit_keeps_who_could_not_hear_whom(
    reader: Readers, world: World, sqlite_database: Database, clock: Clock
) -> None:
    visit_id = await call(sqlite_database, world, clock)
    await sqlite_database.write(lambda tx: end_visit(tx, GATE, OneVisit(visit_id)))
    page = await reader("bob").open(f"/visits/{visit_id}")
    said = page.words.partition("How the call went")[2]
    assert "could not hear alice for 12 s: the microphone was silent." in said
    assert "Good for 10 s and bad for 10 s." in said
    assert "77 ms" in said
    assert 'class="bad"' in page.text
    assert 'class="good"' in page.text
    (section,) = SECTION.findall(page.text)
    assert "<script" not in section
    assert "style=" not in section


@pytest.mark.parametrize("who", ["ada", "carol", "ned"])
async def test_the_desk_admins_and_nurses_see_it_too(
    reader: Readers, world: World, sqlite_database: Database, clock: Clock, who: str
) -> None:
    visit_id = await call(sqlite_database, world, clock)
    page = await reader(who).open(f"/visits/{visit_id}")
    assert "could not hear alice" in page.words


async def test_a_patient_does_not_see_it(
    reader: Readers, world: World, sqlite_database: Database, clock: Clock
) -> None:
    visit_id = await call(sqlite_database, world, clock)
    page = await reader("alice").open(f"/visits/{visit_id}")
    assert page.status == 200
    assert "How the call went" not in page.words


async def test_a_visit_without_a_call_says_so(reader: Readers, world: World) -> None:
    page = await reader("bob").open(f"/visits/{world.ids['visit_id']}")
    assert "Nobody has been in the call yet." in page.words

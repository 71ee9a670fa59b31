"""How a call was is kept once, with nobody's name, and read by the staff of the visit only."""

from __future__ import annotations

from clinic_api.visits.call_quality import (
    QualityBatch,
    QualityOf,
    QualityWord,
    VisitQuality,
    note_quality,
    read_quality,
)
from clinic_api.visits.joining import Entered
from clinic_api.visits.quality import Event, Point
from clinic_api.visits.quality_store import call_quality
from tests.clinic_api.visits.cast import (
    CAROL,
    CHARLIE,
    GATE,
    Clinic,
    participant,
    signed_in,
    token_in,
)
from tests.clinic_api.visits.test_service import OTHER_DOCTOR


def point(clinic: Clinic, **amounts: int) -> Point:
    now_ms = round(clinic.clock.now_s * 1000)
    return Point(at_ms=now_ms - 10_000, until_ms=now_ms, way="turn", **amounts)


async def tell(clinic: Clinic, seat: Entered, batch: str, *said: Point | Event) -> None:
    words = tuple(QualityWord(seat.room, seat.participant_id, one) for one in said)
    await clinic.do(note_quality, GATE, QualityBatch(batch, words))


async def read(clinic: Clinic, visit_id: str) -> VisitQuality:
    return await clinic.see(read_quality, clinic.bob, QualityOf(visit_id))


async def test_points_and_events_are_read_with_units_beside_who_came_and_left(
    clinic: Clinic,
) -> None:
    made = await clinic.visit()
    bob, alice = await clinic.bob_enters(made.id), await clinic.tap(token_in(made))
    for seat, peer in ((bob, "b1"), (alice, "a1")):
        await clinic.joins(seat, peer)
        await clinic.is_admitted(seat, peer)
        clinic.clock.advance(10)
    heard = {"good_ms": 8500, "bad_ms": 1500, "heard_ms": 10_000, "concealed_ms": 500}
    seen = {"seen_ms": 10_000, "frames": 240, "freeze_ms": 300, "height": 360}
    way = {"rtt_ms": 80, "loss_in": 15, "kbps": 900}
    silent = Event(
        kind="microphone_silent",
        at_ms=round(clinic.clock.now_s * 1000) - 4000,
        lasted_ms=3500,
        others=(bob.participant_id,),
    )
    await tell(clinic, alice, "1", point(clinic, **heard, **seen, **way), silent)
    await clinic.leaves(alice, "a1")

    found = await read(clinic, made.id)
    assert [one.participant_id for one in found.people] == [
        bob.participant_id,
        alice.participant_id,
    ]
    of_bob, of_alice = found.people
    assert (of_bob.points, of_bob.comings[0].left_at) == ((), None)
    assert of_alice.comings[0].why == "left"
    (kept,) = of_alice.points
    assert (kept.good_s, kept.bad_s, kept.frozen_s) == (8.5, 1.5, 0.3)
    assert (kept.concealed_percent, kept.frames_per_s, kept.height) == (5.0, 24.0, 360)
    assert (kept.rtt_ms, kept.loss_in_percent, kept.bandwidth_kbps) == (80, 1.5, 900)
    assert (kept.way, kept.until) == ("turn", of_alice.comings[0].left_at)
    (event,) = of_alice.events
    assert (event.kind, event.lasted_s) == ("microphone_silent", 3.5)
    assert event.others == (bob.participant_id,)


async def test_a_batch_that_is_told_twice_is_kept_once(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice = await clinic.tap(token_in(made))
    for batch in ("1", "1", "2"):
        await tell(clinic, alice, batch, point(clinic, good_ms=10_000))
    (person,) = (await read(clinic, made.id)).people
    assert len(person.points) == 2


async def test_words_of_an_unknown_room_or_seat_are_passed_over(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice = await clinic.tap(token_in(made))
    words = (
        QualityWord("no-such-room", alice.participant_id, point(clinic, bad_ms=1)),
        QualityWord(alice.room, "no-such-seat", point(clinic, bad_ms=1)),
        QualityWord(alice.room, alice.participant_id, point(clinic, good_ms=1)),
    )
    await clinic.do(note_quality, GATE, QualityBatch("1", words))
    (row,) = await clinic.rows(call_quality)
    assert row.participant_id == alice.participant_id


async def test_staff_read_it_and_it_is_audited(clinic: Clinic) -> None:
    made = await clinic.visit()
    for actor in (clinic.bob, CAROL):
        await clinic.see(read_quality, actor, QualityOf(made.id))
    rows = await clinic.audited("visit.read_quality")
    assert [row.actor_id for row in rows] == [clinic.bob.id, CAROL.id]
    assert {row.patient_id for row in rows} == {made.visit.patient_id}


async def test_neither_the_patient_nor_a_guest_nor_charlie_reads_it(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice = await clinic.tap(token_in(made))
    for actor, code in (
        (signed_in(made.visit.patient_id or ""), "not_allowed"),
        (participant(alice), "not_allowed"),
        (CHARLIE, "not_allowed"),
        (OTHER_DOCTOR, "not_found"),
    ):
        refused = await clinic.refusal(read_quality, actor, QualityOf(made.id))
        assert refused.code == code
    assert len(await clinic.audited("visit.read_quality", "refused")) == 4

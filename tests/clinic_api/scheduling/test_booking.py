"""A time is kept, confirmed, taken once; whoever may not gets nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from clinic_api.actor import STRANGER
from clinic_api.auth import store as users
from clinic_api.auth.new_login import NewLogin, new_user
from clinic_api.db import Database
from clinic_api.directory.relations import treating_practitioners
from clinic_api.directory.service import ChangePractitioner, change_practitioner
from clinic_api.directory.store import practitioners
from clinic_api.errors import Refused
from clinic_api.outbox_store import outbox
from clinic_api.scheduling import store
from clinic_api.scheduling.booking import Book, Overbook, confirm, overbook, take_booking, take_hold
from clinic_api.scheduling.ending import ExpireHolds, approve, decline, expire_holds
from clinic_api.scheduling.flows import hold
from clinic_api.scheduling.reading import ReadAppointment, read_appointment
from clinic_api.scheduling.store import appointments
from clinic_api.transaction import Transaction
from tests.clinic_api.scheduling.cast import HALF_HOUR, NINE, Practice, one
from tests.clinic_api.visits.cast import CAROL, CHARLIE, CONSOLE


async def test_a_time_is_kept_and_confirmed_and_nobody_else_sees_it(
    clinic_on_both: Practice,
) -> None:
    clinic = clinic_on_both
    assert "09:00" in await clinic.free(clinic.alice)
    held = await clinic.hold(clinic.alice, reason="My back", zone="Europe/Paris")
    assert (held.state, held.local, held.zone) == ("held", "2026-06-01T09:00", "America/New_York")
    assert await clinic.free(clinic.eve) == ["09:30", "10:00", "10:30", "11:00", "11:30"]
    booked = await clinic.confirm(clinic.alice, held)
    assert (booked.state, booked.expires_at, booked.reason) == ("booked", None, "My back")
    assert await clinic.overlaps() == 0


async def test_a_booking_makes_the_doctor_treat_and_tells_the_patient(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    treats = await clinic.database.read(lambda tx: treating_practitioners(tx, clinic.patients[0]))
    assert treats == (clinic.bob_id,)
    told = {(row.kind, row.recipient) for row in await clinic.rows(outbox)}
    assert ("appointment.booked", "alice@example.org") in told


async def test_a_taken_time_is_refused_with_others_near_it(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    await clinic.hold(clinic.alice, NINE + HALF_HOUR)
    with pytest.raises(Refused) as refused:
        await hold(clinic.database, clinic.eve, clinic.hold_of(clinic.eve, NINE + HALF_HOUR))
    assert refused.value.code == "slot_taken"
    near = [each.starts_at for each in refused.value.alternatives]
    assert near[:2] == [NINE, NINE + 2 * HALF_HOUR]
    assert len(near) == 6


async def test_a_hold_lapses_after_ten_minutes_and_the_time_is_free(
    clinic_on_both: Practice,
) -> None:
    clinic = clinic_on_both
    held = await clinic.hold(clinic.alice)
    clinic.clock.advance(600)
    refused = await clinic.refusal(confirm, clinic.alice, one(held))
    assert (refused.code, refused.status) == ("hold_expired", 410)
    taken = await clinic.booked(clinic.eve)
    assert taken.state == "booked"
    late = await clinic.see(read_appointment, clinic.alice, ReadAppointment(held.id))
    assert late.state == "expired"
    assert await clinic.overlaps() == 0


async def test_a_hold_that_lapsed_during_a_payment_is_refused_in_words(clinic: Practice) -> None:
    """Whoever comes back from the payment's page learns it, and the time may be another's."""
    held = await clinic.hold(clinic.alice)
    clinic.clock.advance(601)
    await clinic.booked(clinic.eve)
    refused = await clinic.refusal(confirm, clinic.alice, one(held))
    assert (refused.code, refused.message) == (
        "hold_expired",
        "This time was kept for ten minutes. Please choose it once more.",
    )


async def test_the_job_lets_lapsed_holds_go(clinic: Practice) -> None:
    await clinic.hold(clinic.alice)
    assert await clinic.do(expire_holds, CONSOLE, ExpireHolds()) == 0
    clinic.clock.advance(600)
    assert await clinic.do(expire_holds, CONSOLE, ExpireHolds()) == 1
    (row,) = await clinic.rows(appointments)
    assert (row.state, row.blocks) == ("expired", False)


async def test_three_holds_at_a_time_are_enough(clinic: Practice) -> None:
    for n in range(3):
        await clinic.hold(clinic.alice, NINE + n * HALF_HOUR)
    fourth = clinic.hold_of(clinic.alice, NINE + 3 * HALF_HOUR)
    assert (await clinic.refusal(take_hold, clinic.alice, fourth)).code == "too_many_holds"
    clinic.clock.advance(600)
    assert (await clinic.hold(clinic.alice, NINE + 3 * HALF_HOUR)).state == "held"


async def test_confirming_twice_is_confirming_once(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    held = await clinic.hold(clinic.alice)
    await clinic.confirm(clinic.alice, held)
    assert (await clinic.refusal(confirm, clinic.alice, one(held))).code == "stale"


@pytest.mark.parametrize("minutes", [-30, 10, 180])
async def test_only_times_on_the_grid_of_the_hours_can_be_had(
    clinic: Practice, minutes: int
) -> None:
    at = NINE + timedelta(minutes=minutes)
    refused = await clinic.refusal(take_hold, clinic.alice, clinic.hold_of(clinic.alice, at))
    assert refused.code == "slot_closed"


async def test_staff_book_off_the_grid_but_within_the_hours(clinic: Practice) -> None:
    booked = await clinic.book(NINE + timedelta(minutes=10))
    assert booked.local == "2026-06-01T09:10"
    outside = Book(**clinic.wanted(CAROL, NINE + timedelta(hours=3)))
    assert (await clinic.refusal(take_booking, CAROL, outside)).code == "slot_closed"


async def test_a_practitioner_disabled_between_hold_and_confirm_is_not_booked(
    clinic: Practice,
) -> None:
    held = await clinic.hold(clinic.alice)
    row = next(row for row in await clinic.rows(practitioners) if row.id == clinic.bob_id)
    off = ChangePractitioner(
        practitioner_id=row.id, version=row.version, name=row.name, active=False
    )
    await clinic.do(change_practitioner, CONSOLE, off)
    refused = await clinic.refusal(confirm, clinic.alice, one(held))
    assert (refused.code, refused.status) == ("not_offered", 409)
    assert "does not offer" in refused.message


async def test_a_practitioner_whose_login_was_disabled_is_not_booked(clinic: Practice) -> None:
    held = await clinic.hold(clinic.alice)

    def disable(tx: Transaction) -> None:
        user = new_user(
            tx, CONSOLE, NewLogin(login="bob-1", display_name="Bob"), frozenset({"doctor"})
        )
        users.change_user(tx, CONSOLE, user.id, state="disabled")
        tx.update(practitioners, CONSOLE, clinic.bob_id, user_id=user.id)

    await clinic.database.write(disable)
    assert (await clinic.refusal(confirm, clinic.alice, one(held))).code == "not_offered"


async def test_where_the_service_wants_it_staff_approve(clinic: Practice) -> None:
    service_id = await clinic.service(needs_approval=True, step_min=30)
    waiting = await clinic.booked(clinic.alice, service_id=service_id)
    assert (waiting.state, waiting.expires_at) == ("pending_approval", NINE)
    assert await clinic.rows(outbox) == []
    assert (await clinic.refusal(approve, clinic.alice, one(waiting))).code == "not_allowed"
    assert (await clinic.refusal(approve, clinic.dora, one(waiting))).code == "not_found"
    approved = await clinic.do(approve, clinic.bob, one(waiting))
    assert approved.state == "booked"
    other = await clinic.booked(clinic.alice, NINE + 2 * HALF_HOUR, service_id=service_id)
    declined = await clinic.do(decline, CAROL, one(other))
    assert (declined.state, declined.cancelled_by) == ("cancelled", "staff")
    assert {row.kind for row in await clinic.rows(outbox)} == {
        "appointment.booked",
        "appointment.declined",
        "appointment.reminder_day",
        "appointment.reminder_hour",
    }


async def test_staff_overbook_with_a_reason_that_is_audited_and_sealed(
    clinic_on_both: Practice,
) -> None:
    clinic = clinic_on_both
    await clinic.booked(clinic.alice)
    wanted = clinic.wanted(clinic.eve)
    silent = Overbook(**wanted, why=" ")
    assert (await clinic.refusal(overbook, CAROL, silent)).code == "reason_needed"
    assert (await clinic.refusal(overbook, clinic.eve, silent)).code == "not_allowed"
    over = await clinic.do(overbook, CAROL, Overbook(**wanted, why="In pain"))
    assert (over.overbooked, over.staff_reason) == (True, "In pain")
    noted, visit = await clinic.audited("appointment.overbook")
    assert (noted.object_id, visit.object_kind) == (over.id, "visit")
    assert await clinic.overlaps() == 0  # it does not block
    shown = await clinic.see(read_appointment, clinic.eve, ReadAppointment(over.id))
    assert shown.staff_reason == ""


async def test_an_overbooked_time_is_not_offered_to_others(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    at = NINE + timedelta(minutes=15)
    await clinic.do(overbook, CAROL, Overbook(**clinic.wanted(clinic.eve, at), why="In pain"))
    assert (await clinic.free(clinic.alice))[0] == "10:00"


async def test_a_doctor_books_only_for_patients_and_hours_of_his_own(clinic: Practice) -> None:
    book = Book(**clinic.wanted(CAROL))
    assert (await clinic.refusal(take_booking, clinic.bob, book)).code == "not_found"
    await clinic.booked(clinic.alice)  # from now on Bob treats her
    follow = Book(**clinic.wanted(CAROL, NINE + HALF_HOUR))
    assert (await clinic.do(take_booking, clinic.bob, follow)).state == "booked"
    assert (await clinic.refusal(take_booking, clinic.dora, follow)).code == "not_found"


async def test_a_follow_up_is_linked_to_an_appointment_of_the_same_patient(
    clinic: Practice,
) -> None:
    first = await clinic.booked(clinic.alice)
    second = await clinic.book(NINE + HALF_HOUR, follow_up_of=first.id)
    assert second.follow_up_of == first.id
    foreign = clinic.hold_of(clinic.eve, NINE + 2 * HALF_HOUR, follow_up_of=first.id)
    assert (await clinic.refusal(take_hold, clinic.eve, foreign)).code == "not_found"


async def test_charlie_and_strangers_get_nothing(clinic: Practice) -> None:
    held = await clinic.hold(clinic.alice)
    for_alice = clinic.hold_of(clinic.alice, NINE + HALF_HOUR)
    assert (await clinic.refusal(take_hold, CHARLIE, for_alice)).code == "not_found"
    assert (await clinic.refusal(confirm, CHARLIE, one(held))).code == "not_found"
    assert (await clinic.refusal(take_hold, STRANGER, for_alice)).code == "sign_in_needed"
    assert [row.object_id for row in await clinic.audited("appointment.confirm", "refused")] == [
        held.id
    ]


async def test_the_modality_is_one_of_the_service(clinic: Practice) -> None:
    service_id = await clinic.service(modalities=["audio"])
    wanted = clinic.hold_of(clinic.alice, service_id=service_id)
    refused = await clinic.refusal(take_hold, clinic.alice, wanted)
    assert list(refused.fields) == ["modality"]
    heard = replace(wanted, modality="audio")
    assert (await clinic.do(take_hold, clinic.alice, heard)).modality == "audio"


async def test_what_only_staff_may_book_patients_neither_find_nor_take(clinic: Practice) -> None:
    service_id = await clinic.service(bookable_by="staff", step_min=30)
    assert "09:00" in await clinic.free(CAROL, service_id=service_id)
    with pytest.raises(Refused, match="nothing here"):
        await clinic.free(clinic.alice, service_id=service_id)
    wanted = clinic.hold_of(clinic.alice, service_id=service_id)
    assert (await clinic.refusal(take_hold, clinic.alice, wanted)).code == "not_offered"


async def test_the_database_itself_refuses_two_at_once(
    database: Database, clinic_on_both: Practice
) -> None:
    """Whatever the services do: a second row, or a row that is moved onto another one."""
    clinic = clinic_on_both
    first = await clinic.booked(clinic.alice)
    second = await clinic.booked(clinic.eve, NINE + HALF_HOUR)

    def twice(tx: Transaction) -> None:
        found = store.find(tx, first.id)
        assert found is not None
        store.insert(tx, CONSOLE, replace(found, id=tx.new_id()))

    def onto(tx: Transaction) -> None:
        tx.sql.execute(
            sa.update(appointments)
            .where(appointments.c.id == second.id)
            .values(busy_from=first.starts_at)
        )

    with pytest.raises(Refused, match="quicker"):
        await database.write(twice)
    with pytest.raises(sa.exc.IntegrityError):
        await database.write(onto)

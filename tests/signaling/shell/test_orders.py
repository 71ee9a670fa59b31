"""What the clinic decides reaches people who are in a call, over real sockets."""

from __future__ import annotations

from signaling.core.closing import Closing
from tests.signaling.shell.clinic import ROOM, Clinic


async def test_a_visit_that_ended_outside_closes_the_call(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    clinic.calls.end(ROOM)
    assert await bob.closed() == await alice.closed() == Closing.ENDED.code
    assert await (await clinic.hello(seat=alice.seat)).closed() == Closing.ENDED.code
    await clinic.until(lambda: clinic.plane.named("close_room") == [("close_room", ROOM)])


async def test_a_withdrawn_person_is_out_and_may_come_back_with_a_new_token(
    clinic: Clinic,
) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    clinic.calls.withdraw(ROOM, "subject-alice")
    assert await alice.closed() == Closing.WITHDRAWN.code
    assert await (await clinic.hello(seat=alice.seat)).closed() == Closing.SEAT_GONE.code
    await clinic.join("alice")


async def test_an_order_for_a_room_without_people_is_nothing(clinic: Clinic) -> None:
    clinic.calls.end("visit-nobody")
    clinic.calls.withdraw("visit-nobody", "subject-alice")
    assert clinic.calls.is_empty
    await clinic.join("bob")
    assert not clinic.calls.is_empty

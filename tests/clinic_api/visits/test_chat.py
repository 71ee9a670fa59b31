"""The chat of a visit afterwards: for the patient and the doctor, in pages, audited."""

from __future__ import annotations

from clinic_api.visits.chat import ChatWritten, ReadChat, append_chat, read_chat
from tests.clinic_api.visits.cast import CAROL, CHARLIE, GATE, Clinic, signed_in, token_in
from tests.clinic_api.visits.test_service import OTHER_DOCTOR


async def test_the_patient_and_the_doctor_read_it_in_pages(clinic: Clinic) -> None:
    made = await clinic.visit()
    seat = await clinic.tap(token_in(made))
    for number in range(3):
        message = ChatWritten(
            room=seat.room,
            participant="a1",
            name="Alice",
            key=str(number),
            text=f"word {number}",
            at=clinic.clock.now_s,
        )
        await clinic.do(append_chat, GATE, message)
        clinic.clock.advance(1)
    for actor in (clinic.bob, signed_in(made.visit.patient_id or "")):
        first = await clinic.see(read_chat, actor, ReadChat(visit_id=made.id, limit=2))
        rest = await clinic.see(
            read_chat, actor, ReadChat(visit_id=made.id, limit=2, cursor=first.next or "")
        )
        assert [one.text for one in (*first.items, *rest.items)] == ["word 0", "word 1", "word 2"]
    rows = await clinic.audited("visit.read_chat")
    assert {row.patient_id for row in rows} == {made.visit.patient_id}


async def test_nobody_else_reads_it(clinic: Clinic) -> None:
    made = await clinic.visit()
    for actor, code in (
        (CHARLIE, "not_found"),
        (OTHER_DOCTOR, "not_found"),
        (CAROL, "not_allowed"),
    ):
        refused = await clinic.refusal(read_chat, actor, ReadChat(visit_id=made.id))
        assert refused.code == code
    assert len(await clinic.audited("visit.read_chat", "refused")) == 3

"""Who has no licence for where a patient lives is not booked for them, unless staff say why."""

from __future__ import annotations

from datetime import date
from typing import Any

from clinic_api.audit.store import AUDIT
from clinic_api.directory.model import Address
from clinic_api.directory.profile_model import ChangeProfile, Licence, OneProfile
from clinic_api.directory.profiles import change_profile, read_profile
from clinic_api.directory.service import ChangePatient, OnePatient, change_patient, read_patient
from clinic_api.scheduling.booking import Book, Overbook, overbook, take_booking, take_hold
from clinic_api.scheduling.moving import Move, take_move
from tests.clinic_api.scheduling.cast import ADA, HALF_HOUR, NINE, Practice
from tests.clinic_api.visits.cast import CAROL


async def bob_is_licensed(clinic: Practice, *licences: Licence) -> None:
    held = await clinic.see(read_profile, ADA, OneProfile(clinic.bob_id))
    command = ChangeProfile(practitioner_id=clinic.bob_id, version=held.version, licences=licences)
    await clinic.do(change_profile, ADA, command)


async def alice_lives(clinic: Practice, region: str, country: str = "US") -> None:
    held = await clinic.see(read_patient, CAROL, OnePatient(clinic.patients[0]))
    moved = ChangePatient(
        patient_id=held.id,
        version=held.version,
        name="Alice",
        emails=("alice@example.org",),
        address=Address(region=region, country=country),
    )
    await clinic.do(change_patient, CAROL, moved)


def booking(clinic: Practice, **more: Any) -> Book:
    return Book(**clinic.wanted(CAROL, **more))


async def test_a_patient_is_booked_where_the_practitioner_is_licensed(clinic: Practice) -> None:
    await bob_is_licensed(clinic, Licence(country="US", region="NY"))
    await alice_lives(clinic, "ny")
    assert (await clinic.booked(clinic.alice)).state == "booked"


async def test_elsewhere_it_is_refused_in_words(clinic: Practice) -> None:
    await bob_is_licensed(clinic, Licence(country="US", region="NY"))
    await alice_lives(clinic, "NJ")
    refused = await clinic.refusal(take_hold, clinic.alice, clinic.hold_of(clinic.alice))
    assert (refused.code, refused.status) == ("no_licence", 409)
    assert "licence" in refused.message
    assert (await clinic.refusal(take_booking, CAROL, booking(clinic))).code == "no_licence"
    over = Overbook(**clinic.wanted(CAROL), why="Urgent")
    assert (await clinic.refusal(overbook, CAROL, over)).code == "no_licence"


async def test_a_licence_that_ends_before_the_visit_is_none(clinic: Practice) -> None:
    ends = Licence(country="US", region="NY", valid_until=date(2026, 5, 31))
    await bob_is_licensed(clinic, ends)
    await alice_lives(clinic, "NY")
    assert (await clinic.refusal(take_booking, CAROL, booking(clinic))).code == "no_licence"


async def test_staff_book_all_the_same_when_they_say_why_which_is_audited(
    clinic_on_both: Practice,
) -> None:
    clinic = clinic_on_both
    await bob_is_licensed(clinic, Licence(country="US", region="NY"))
    await alice_lives(clinic, "NJ")
    why = "She is in New York that week"
    booked = await clinic.do(take_booking, CAROL, booking(clinic, licence_reason=why))
    assert (booked.state, booked.staff_reason) == ("booked", why)
    rows = await clinic.database.read(lambda tx: tx.sql.execute(AUDIT.select()).all())
    noted = [row.action for row in rows if '"licence":"overridden"' in row.detail]
    assert noted == ["appointment.book"]
    move = Move(appointment_id=booked.id, version=booked.version, starts_at=NINE + HALF_HOUR)
    assert (await clinic.refusal(take_move, CAROL, move)).code == "no_licence"


async def test_without_a_region_or_a_list_nothing_is_checked(clinic: Practice) -> None:
    await alice_lives(clinic, "NJ")
    assert (await clinic.booked(clinic.alice)).state == "booked"
    await bob_is_licensed(clinic, Licence(country="US", region="NY"))
    await alice_lives(clinic, "")
    assert (await clinic.booked(clinic.alice, NINE + HALF_HOUR)).state == "booked"

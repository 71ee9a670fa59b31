"""Public profiles: what strangers read, who changes them, where somebody may treat."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from clinic_api.actor import STRANGER, Actor
from clinic_api.directory.profile_model import (
    ChangePhoto,
    ChangeProfile,
    Licence,
    ListPublicProfiles,
    OneProfile,
    OnePublicProfile,
    PractitionerProfile,
)
from clinic_api.directory.profiles import (
    add_photo,
    change_profile,
    holds_licence,
    list_public_profiles,
    read_photo,
    read_profile,
    read_public_photo,
    read_public_profile,
    remove_photo,
)
from clinic_api.directory.service import (
    ChangePractitioner,
    CreatePractitioner,
    change_practitioner,
    create_practitioner,
)
from clinic_api.files.model import ReceivedFile
from clinic_api.files.store import files
from tests.clinic_api.visits.cast import CAROL, CHARLIE, CONSOLE, Clinic, user_id

DORA = Actor(kind="user", id=user_id(7), roles=frozenset({"doctor"}))
ADA = Actor(kind="user", id=user_id(8), roles=frozenset({"admin"}))
BOBS = ChangeProfile(
    practitioner_id="",
    version=0,
    public=True,
    title=" Dr.\tmed. ",
    specialties=("Cardiología infantil", "Cardiología infantil", " "),
    languages=("es-MX", "en"),
    education=("Universidad de Sevilla, 1999",),
    biography="Bob treats hearts.\n\nHe lives in Lyon.",
    licences=(
        Licence(country="US", region="New York", number="123"),
        Licence(country="US", region="Vermont", valid_until=date(2020, 1, 1)),
    ),
)


async def bobs(clinic: Clinic, **values: Any) -> PractitionerProfile:
    """Bob's profile, changed by him."""
    assert clinic.bob.practitioner_id is not None
    one = OneProfile(clinic.bob.practitioner_id)
    version = (await clinic.see(read_profile, clinic.bob, one)).version
    command = msgspec.structs.replace(
        BOBS, practitioner_id=one.practitioner_id, version=version, **values
    )
    return await clinic.do(change_profile, clinic.bob, command)


async def found(clinic: Clinic, **values: Any) -> list[str]:
    page = await clinic.see(list_public_profiles, STRANGER, ListPublicProfiles(**values))
    return [each.address for each in page.items]


async def test_a_stranger_reads_what_bob_made_public(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    assert await found(clinic) == []
    hidden = await clinic.refusal(read_public_profile, STRANGER, OnePublicProfile("bob"))
    assert hidden.code == "not_found"
    await bobs(clinic)
    shown = await clinic.see(read_public_profile, STRANGER, OnePublicProfile("bob"))
    assert (shown.name, shown.title) == ("Dr. Bob", "Dr. med.")
    assert shown.specialties == ("Cardiología infantil",)
    assert shown.biography == "Bob treats hearts.\n\nHe lives in Lyon."
    assert [each.region for each in shown.licences] == ["New York"]  # the other one is over
    assert "user_id" not in shown.__struct_fields__


async def test_profiles_are_found_by_specialty_and_language(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    await bobs(clinic)
    assert await found(clinic, specialty="infantil CARDIOLOGIA") == ["bob"]
    assert await found(clinic, specialty="cardio", language="es") == ["bob"]
    assert await found(clinic, language="es-MX") == ["bob"]
    assert await found(clinic, specialty="skin") == []
    assert await found(clinic, specialty="%") == []
    assert await found(clinic, language="fr") == []


async def test_who_left_or_lost_the_address_is_not_shown(clinic: Clinic) -> None:
    await bobs(clinic)
    assert clinic.bob.practitioner_id is not None
    changes: tuple[dict[str, Any], ...] = ({"active": False, "address": "bob"}, {"address": None})
    for number, gone in enumerate(changes):
        command = ChangePractitioner(
            practitioner_id=clinic.bob.practitioner_id, version=2 + number, name="Bob", **gone
        )
        await clinic.do(change_practitioner, CONSOLE, command)
        assert await found(clinic) == []
    refused = await clinic.refusal(
        change_profile,
        ADA,
        msgspec.structs.replace(BOBS, practitioner_id=clinic.bob.practitioner_id, version=4),
    )
    assert (refused.code, list(refused.fields)) == ("invalid", ["public"])


async def test_only_bob_and_an_admin_change_bobs_profile(clinic: Clinic) -> None:
    changed = await bobs(clinic)
    again = msgspec.structs.replace(
        BOBS, practitioner_id=changed.practitioner_id, version=changed.version
    )
    assert (await clinic.refusal(change_profile, DORA, again)).code == "not_found"
    assert (await clinic.refusal(change_profile, CAROL, again)).code == "not_allowed"
    assert (await clinic.refusal(change_profile, CHARLIE, again)).code == "not_allowed"
    stale = msgspec.structs.replace(again, version=1)
    assert (await clinic.refusal(change_profile, ADA, stale)).code == "stale"
    await clinic.do(change_profile, ADA, again)
    assert len(await clinic.audited("practitioner.change_profile")) == 2


async def test_a_new_practitioners_speciality_is_their_first_specialty(clinic: Clinic) -> None:
    made = await clinic.do(
        create_practitioner, CONSOLE, CreatePractitioner(name="Dora", speciality="Skin")
    )
    profile = await clinic.see(read_profile, ADA, OneProfile(made.id))
    assert profile.details.specialties == ("Skin",)
    assert not profile.details.public


async def test_a_photo_is_replaced_and_removed_with_its_file(clinic: Clinic) -> None:
    profile = await bobs(clinic)
    one, shown = OneProfile(profile.practitioner_id), OnePublicProfile("bob")
    assert (await clinic.refusal(read_public_photo, STRANGER, shown)).code == "not_found"
    for _ in range(2):
        await clinic.database.write(lambda tx: add_photo(tx, clinic.bob, one, _photo(tx.new_id())))
    (row,) = await clinic.rows(files)
    given = await clinic.see(read_public_photo, STRANGER, shown)
    assert (given.id, given.media_type) == (row.id, "image/png")
    await bobs(clinic, public=False)
    assert (await clinic.refusal(read_public_photo, STRANGER, shown)).code == "not_found"
    assert (await clinic.see(read_photo, clinic.bob, one)).id == row.id
    version = (await clinic.see(read_profile, clinic.bob, one)).version
    gone = ChangePhoto(practitioner_id=one.practitioner_id, version=version)
    assert not (await clinic.do(remove_photo, clinic.bob, gone)).has_photo
    assert await clinic.rows(files) == []


def _photo(file_id: str) -> ReceivedFile:
    return ReceivedFile(
        id=file_id,
        name="me.png",
        media_type="image/png",
        size=1,
        sha256="0" * 64,
        state="received",
    )


async def test_a_licence_counts_in_its_region_until_its_last_day(clinic: Clinic) -> None:
    day = date(2026, 1, 31)

    async def holds(country: str, region: str, on: date = day) -> bool:
        practitioner_id = clinic.bob.practitioner_id
        assert practitioner_id is not None
        return await clinic.database.read(
            lambda tx: holds_licence(tx, practitioner_id, country, region, on)
        )

    assert await holds("DE", "")  # none is listed: not checked
    await bobs(
        clinic,
        licences=(
            Licence(country="FR"),
            Licence(country="US", region="New York", valid_until=day),
        ),
    )
    assert await holds("FR", "Bretagne")
    assert await holds("US", " new york")
    assert not await holds("US", "New York", date(2026, 2, 1))
    assert not await holds("US", "Vermont")
    assert not await holds("US", "")
    assert not await holds("DE", "")

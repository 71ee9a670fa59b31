"""Public profiles: read by everybody, changed by the practitioner or an admin.

Of somebody who does not work here any more, or whose profile is not public, nothing is shown, and
whether they exist is not told.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Row

from clinic_api.actor import Actor
from clinic_api.directory import profile_store as store
from clinic_api.directory.contacts import folded, tidy_text
from clinic_api.directory.profile_model import (
    ChangePhoto,
    ChangeProfile,
    ListPublicProfiles,
    OneProfile,
    OnePublicProfile,
    PractitionerProfile,
    ProfileDetails,
    PublicPractitioner,
    PublicProfile,
)
from clinic_api.errors import Refused
from clinic_api.files.model import GivenFile, ReceivedFile
from clinic_api.files.service import drop, give, keep
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.paging import Page
from clinic_api.transaction import Transaction


def holds_licence(
    tx: Transaction, practitioner_id: str, country: str, region: str, on: date
) -> bool:
    """For other services: whether the practitioner may treat somebody who is there on that day.

    `country` is an ISO 3166-1 code, `region` as addresses have it. Whoever has no licence listed is
    not checked.
    """
    licences = store.licences_of(tx, practitioner_id)
    return not licences or any(each.covers(country, region, on) for each in licences)


@guarded("practitioner.read_public")
def list_public_profiles(
    tx: Transaction, actor: Actor, command: ListPublicProfiles
) -> Page[PublicPractitioner]:
    """Who can be chosen here, by specialty and language."""
    del actor
    words = folded(command.specialty).split()
    if command.specialty.strip() and not words:
        return Page(())
    return store.search_public(tx, words, command.language, command.cursor, command.limit)


@guarded("practitioner.read_public")
def read_public_profile(tx: Transaction, actor: Actor, command: OnePublicProfile) -> PublicProfile:
    """A practitioner's own page. Raises Refused(not_found)."""
    row = _public(tx, actor, command.slug)
    details = store.profile_of(tx, row).details
    return PublicProfile(
        **msgspec.structs.asdict(store.public_practitioner(row)),
        education=details.education,
        biography=details.biography,
        licences=tuple(each for each in details.licences if each.stands(tx.now.date())),
    )


@guarded("practitioner.read_public")
def read_public_photo(tx: Transaction, actor: Actor, command: OnePublicProfile) -> GivenFile:
    """The photo of a public profile. Raises Refused: not_found, file_quarantined, file_infected."""
    return _photo(tx, actor, _public(tx, actor, command.slug))


@guarded("practitioner.read_profile")
def read_profile(tx: Transaction, actor: Actor, command: OneProfile) -> PractitionerProfile:
    """As it is, public or not. Raises Refused(not_found)."""
    return store.profile_of(tx, _permitted(tx, actor, command.practitioner_id))


@guarded("practitioner.read_profile")
def read_photo(tx: Transaction, actor: Actor, command: OneProfile) -> GivenFile:
    """The photo, public or not. Raises Refused: not_found, file_quarantined, file_infected."""
    return _photo(tx, actor, _permitted(tx, actor, command.practitioner_id))


@guarded("practitioner.change_profile")
def change_profile(tx: Transaction, actor: Actor, command: ChangeProfile) -> PractitionerProfile:
    """Raises Refused: not_found, stale, invalid (public without an address)."""
    row = _permitted(tx, actor, command.practitioner_id)
    if command.public and row.address is None:
        fields = {"public": "Please ask an admin to give this practitioner an address first."}
        raise Refused("invalid", fields=fields)
    store.update_profile(tx, actor, row.id, command.version, _tidied(command))
    tx.note(actor, "practitioner", row.id)
    return store.profile_of(tx, _permitted(tx, actor, row.id))


@guarded("practitioner.change_profile", only_asks=True)
def may_add_photo(tx: Transaction, actor: Actor, command: OneProfile) -> None:
    """Before the file is taken. Raises Refused(not_found)."""
    _permitted(tx, actor, command.practitioner_id)


@guarded("practitioner.change_profile")
def add_photo(
    tx: Transaction, actor: Actor, command: OneProfile, file: ReceivedFile
) -> PractitionerProfile:
    """A photo instead of the one that was there: JPEG, PNG or WebP of up to 2 MB, kept without
    what the camera wrote into it. Raises Refused(not_found)."""
    row = _permitted(tx, actor, command.practitioner_id)
    keep(tx, actor, "photo", file)
    store.put_photo(tx, actor, row.id, file.id)
    _drop_photo(tx, row)
    tx.note(actor, "practitioner", row.id, part="photo")
    return store.profile_of(tx, _permitted(tx, actor, row.id))


@guarded("practitioner.change_profile")
def remove_photo(tx: Transaction, actor: Actor, command: ChangePhoto) -> PractitionerProfile:
    """Raises Refused: not_found, stale."""
    row = _permitted(tx, actor, command.practitioner_id)
    store.put_photo(tx, actor, row.id, None, command.version)
    _drop_photo(tx, row)
    tx.note(actor, "practitioner", row.id, part="photo")
    return store.profile_of(tx, _permitted(tx, actor, row.id))


def _drop_photo(tx: Transaction, row: Row[Any]) -> None:
    if row.photo_id is not None:
        drop(tx, row.photo_id)


def _photo(tx: Transaction, actor: Actor, row: Row[Any]) -> GivenFile:
    if row.photo_id is None:
        raise hidden(tx, actor, "practitioner", row.id)
    return give(tx, row.photo_id)


def _public(tx: Transaction, actor: Actor, address: str) -> Row[Any]:
    row = store.public_row(tx, address)
    if row is None:
        raise hidden(tx, actor, "practitioner", address)
    permit(tx, actor, Facts(kind="practitioner", id=row.id))
    return row


def _permitted(tx: Transaction, actor: Actor, practitioner_id: str) -> Row[Any]:
    row = store.profile_row(tx, practitioner_id)
    if row is None:
        raise hidden(tx, actor, "practitioner", practitioner_id)
    permit(tx, actor, Facts(kind="practitioner", id=row.id, user_id=row.user_id or ""))
    return row


def _tidied(details: ProfileDetails) -> ProfileDetails:
    """Without empty lines and control characters, nothing twice."""
    return ProfileDetails(
        public=details.public,
        title=tidy_text(details.title),
        specialties=_once(details.specialties),
        languages=tuple(dict.fromkeys(details.languages)),
        education=_once(details.education),
        biography="\n".join(map(tidy_text, details.biography.splitlines())).strip(),
        licences=tuple(
            dict.fromkeys(
                replace(each, region=tidy_text(each.region), number=tidy_text(each.number))
                for each in details.licences
            )
        ),
    )


def _once(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in map(tidy_text, texts) if text))

"""Profiles: columns of the table of practitioners, as values."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row

from clinic_api.actor import Actor
from clinic_api.directory.contacts import folded
from clinic_api.directory.profile_model import (
    Licence,
    PractitionerProfile,
    ProfileDetails,
    PublicPractitioner,
)
from clinic_api.directory.store import practitioners
from clinic_api.paging import Page, page
from clinic_api.transaction import Transaction


def profile_row(tx: Transaction, practitioner_id: str) -> Row[Any] | None:
    return tx.get(practitioners, practitioner_id)


def public_row(tx: Transaction, address: str) -> Row[Any] | None:
    """Of somebody who works here and is shown."""
    query = tx.select(practitioners).where(*_shown(), practitioners.c.address == address)
    return tx.first(query)


def update_profile(
    tx: Transaction, actor: Actor, practitioner_id: str, version: int, details: ProfileDetails
) -> int:
    return tx.update(
        practitioners,
        actor,
        practitioner_id,
        version,
        public=details.public,
        title=details.title,
        specialties=_json(details.specialties),
        search_specialties=" ".join(map(folded, details.specialties)),
        languages=_json(details.languages),
        education=tx.seal(practitioners.c.education, practitioner_id, _json(details.education)),
        biography=tx.seal(practitioners.c.biography, practitioner_id, details.biography),
        licences=_json(details.licences),
    )


def put_photo(
    tx: Transaction,
    actor: Actor,
    practitioner_id: str,
    file_id: str | None,
    version: int | None = None,
) -> int:
    return tx.update(practitioners, actor, practitioner_id, version, photo_id=file_id)


def search_public(
    tx: Transaction, words: list[str], language: str, cursor: str, limit: int
) -> Page[PublicPractitioner]:
    """By every one of `words` in the specialties, and by a language or its regional forms."""
    query = tx.select(practitioners).where(*_shown())
    columns = practitioners.c
    query = query.where(
        *(columns.search_specialties.contains(word, autoescape=True) for word in words)
    )
    if language:
        spoken = [
            columns.languages.contains(f'"{language}{after}', autoescape=True) for after in '"-'
        ]
        query = query.where(spoken[0] | spoken[1])
    return page(tx, practitioners, query, public_practitioner, cursor=cursor, limit=limit)


def licences_of(tx: Transaction, practitioner_id: str) -> tuple[Licence, ...]:
    row = tx.get(practitioners, practitioner_id)
    return () if row is None else _licences(row)


def profile_of(tx: Transaction, row: Row[Any]) -> PractitionerProfile:
    return PractitionerProfile(
        practitioner_id=row.id,
        version=row.version,
        name=row.name,
        address=row.address,
        has_photo=row.photo_id is not None,
        details=ProfileDetails(
            public=row.public,
            title=row.title,
            specialties=_texts(row.specialties),
            languages=_texts(row.languages),
            education=_texts(tx.unseal(practitioners.c.education, row.id, row.education)),
            biography=tx.unseal(practitioners.c.biography, row.id, row.biography),
            licences=_licences(row),
        ),
    )


def public_practitioner(row: Row[Any]) -> PublicPractitioner:
    return PublicPractitioner(
        id=row.id,
        address=row.address,
        name=row.name,
        title=row.title,
        specialties=_texts(row.specialties),
        languages=_texts(row.languages),
        has_photo=row.photo_id is not None,
        accepts_walk_ins=row.accepts_walk_ins,
    )


def _shown() -> tuple[Any, ...]:
    columns = practitioners.c
    return columns.public.is_(True), columns.active.is_(True), columns.address.is_not(None)


def _licences(row: Row[Any]) -> tuple[Licence, ...]:
    return msgspec.json.decode(row.licences, type=tuple[Licence, ...])


def _texts(value: str) -> tuple[str, ...]:
    return msgspec.json.decode(value, type=tuple[str, ...])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

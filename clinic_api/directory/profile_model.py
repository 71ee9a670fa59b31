"""What a practitioner says of themselves, and what of it is for everybody."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.directory.model import Id, Language, Line, Short, Slug
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit

Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]  # ISO 3166-1 alpha-2
MAX_PHOTO_BYTES = 2 * 1024 * 1024


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """The right to treat people who are in a region; without a region, in the whole country.

    `region` is written as addresses have it; `valid_until` is the last day, without one it has no
    end.
    """

    country: Country
    region: Short = ""
    number: Short = ""
    valid_until: date | None = None

    def covers(self, country: str, region: str, on: date) -> bool:
        """Whether somebody there may be treated on that day."""
        if self.country != country.strip().upper():
            return False
        in_region = not self.region or self.region.casefold() == region.strip().casefold()
        return in_region and self.stands(on)

    def stands(self, on: date) -> bool:
        return self.valid_until is None or on <= self.valid_until


class ProfileDetails(msgspec.Struct, frozen=True, kw_only=True):
    """`education` has a line for each degree or school; `biography` is plain text."""

    public: bool = False
    title: Short = ""
    specialties: Annotated[tuple[Short, ...], Meta(max_length=20)] = ()
    languages: Annotated[tuple[Language, ...], Meta(max_length=20)] = ("en",)
    education: Annotated[tuple[Line, ...], Meta(max_length=20)] = ()
    biography: Annotated[str, Meta(max_length=4000)] = ""
    licences: Annotated[tuple[Licence, ...], Meta(max_length=100)] = ()


class PractitionerProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it, for whoever may change it; `address` is the last part of its address."""

    practitioner_id: str
    version: int
    name: str
    address: str | None
    has_photo: bool
    details: ProfileDetails


class PublicPractitioner(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the public directory; `id` asks for free times."""

    id: str
    address: str
    name: str
    title: str
    specialties: tuple[str, ...]
    languages: tuple[str, ...]
    has_photo: bool
    accepts_walk_ins: bool


class PublicProfile(PublicPractitioner, frozen=True, kw_only=True):
    """With what is on a practitioner's own page; licences that are over are left out."""

    education: tuple[str, ...]
    biography: str
    licences: tuple[Licence, ...]


class ListPublicProfiles(msgspec.Struct, frozen=True, kw_only=True):
    """Words of a specialty, and a language: `es` finds `es-MX` too."""

    specialty: Short = ""
    language: Annotated[
        str, Meta(pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$", max_length=35)
    ] = ""
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class OnePublicProfile(msgspec.Struct, frozen=True):
    """By the address of a practitioner: the last part of their pages' addresses."""

    slug: Slug


class OneProfile(msgspec.Struct, frozen=True):
    practitioner_id: Id


class ChangeProfile(ProfileDetails, frozen=True, kw_only=True):
    """The whole of the details, as they shall be."""

    practitioner_id: Id
    version: int


class ChangePhoto(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of whose photo."""

    practitioner_id: Id
    version: int

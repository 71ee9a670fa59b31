"""The organisation that runs this installation: what it is called, where it is, what it counts in.

Its row exists from the first start in the state `new`; the set-up link makes it `ready`, once.
"""

from __future__ import annotations

from typing import Literal

import msgspec

OrganisationState = Literal["new", "ready"]
NAME_CHARS = 120


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What an administrator says of the organisation."""

    name: str
    country: str  # ISO 3166-1 alpha-2
    currency: str  # ISO 4217
    time_zone: str  # IANA
    phone: str  # E.164 once checked; as people write it before


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody may know of it; while it is new, only the state says anything."""

    id: str
    version: int
    state: OrganisationState
    name: str
    country: str
    currency: str
    time_zone: str
    phone: str


class ReadOrganisation(msgspec.Struct, frozen=True):
    """Nothing to say: there is one."""


class ChangeOrganisation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole new profile, over the version that was read."""

    version: int
    name: str
    country: str
    currency: str
    time_zone: str
    phone: str

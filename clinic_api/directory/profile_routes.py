"""Operations on profiles under /api/v1."""

from __future__ import annotations

from clinic_api.directory.profile_model import (
    MAX_PHOTO_BYTES,
    ChangePhoto,
    ChangeProfile,
    ListPublicProfiles,
    OneProfile,
    OnePublicProfile,
    PractitionerProfile,
    PublicPractitioner,
    PublicProfile,
)
from clinic_api.directory.profiles import (
    add_photo,
    change_profile,
    list_public_profiles,
    may_add_photo,
    read_photo,
    read_profile,
    read_public_photo,
    read_public_profile,
    remove_photo,
)
from clinic_api.files.media_types import JPEG, PNG, WEBP
from clinic_api.files.model import GivenFile
from clinic_api.files.pictures import without_metadata
from clinic_api.http.route import Remade, Route
from clinic_api.paging import Page

_PUBLIC = "/practitioners/public"
_PUBLIC_ONE = f"{_PUBLIC}/{{slug}}"
_PROFILE = "/practitioners/{practitioner_id}/profile"
PHOTO = Remade(media_types=(JPEG, PNG, WEBP), make=without_metadata)

ROUTES: tuple[Route, ...] = (
    Route("GET", _PUBLIC, list_public_profiles, ListPublicProfiles, Page[PublicPractitioner]),
    Route("GET", _PUBLIC_ONE, read_public_profile, OnePublicProfile, PublicProfile),
    Route("GET", f"{_PUBLIC_ONE}/photo", read_public_photo, OnePublicProfile, GivenFile),
    Route("GET", _PROFILE, read_profile, OneProfile, PractitionerProfile),
    Route("PUT", _PROFILE, change_profile, ChangeProfile, PractitionerProfile),
    Route("GET", f"{_PROFILE}/photo", read_photo, OneProfile, GivenFile),
    Route(
        "POST",
        f"{_PROFILE}/photo",
        add_photo,
        OneProfile,
        PractitionerProfile,
        before_file=may_add_photo,
        max_body_bytes=MAX_PHOTO_BYTES,
        remade=PHOTO,
    ),
    Route("DELETE", f"{_PROFILE}/photo", remove_photo, ChangePhoto, PractitionerProfile),
)

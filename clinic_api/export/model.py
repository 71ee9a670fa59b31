"""A patient's own copy of the record: asked for, then fetched once."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from clinic_api.directory.model import Id

LASTS = timedelta(hours=24)  # from asking to fetching


class OneVisit(msgspec.Struct, frozen=True):
    visit_id: Id


class AskExport(msgspec.Struct, frozen=True):
    """A copy of everything that this patient may read of their record."""

    patient_id: Id


class OneExport(msgspec.Struct, frozen=True):
    export_id: Id


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever asked may fetch it, once, until `expires_at`; nothing of it is stored meanwhile."""

    id: str
    version: int
    patient_id: str
    expires_at: datetime
    taken_at: datetime | None

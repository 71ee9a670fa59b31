"""One row of the audit, and what fits into it: ids and codes, never a name or a text."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from clinic_api.transaction import AuditRecord

# Characters that a column holds; what strangers send as an id is cut to it.
WIDTHS = {
    "actor_kind": 16,
    "actor_id": 80,
    "action": 48,
    "outcome": 16,
    "object_kind": 40,
    "object_id": 80,
    "patient_id": 36,
    "client": 64,
}
DETAIL_CHARS = 80  # of each name and value in `detail`
_CODE = re.compile(r"[^A-Za-z0-9._:/@+\-]")  # what no id, code, time or address has


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """As it is on disk. `detail` is JSON with sorted names, kept as text because it is hashed."""

    seq: int  # 1, 2, 3, … without a gap
    org_id: str
    at: datetime
    actor_kind: str
    actor_id: str
    action: str
    outcome: str  # done | refused
    object_kind: str
    object_id: str
    patient_id: str
    client: str
    detail: str
    previous: bytes  # the hash of row seq - 1
    hash: bytes


def fitted(record: AuditRecord) -> AuditRecord:
    """The record cut to the columns' widths, every character that no code has as `?`.

    An attempt may carry whatever somebody typed in place of an id.
    """
    changes = {
        name: _code(getattr(record, name), width)
        for name, width in WIDTHS.items()
        if _code(getattr(record, name), width) != getattr(record, name)
    }
    return msgspec.structs.replace(record, **changes) if changes else record


def detail_text(detail: dict[str, str]) -> str:
    """The same bytes for the same detail."""
    short = {_code(name, DETAIL_CHARS): _code(detail[name], DETAIL_CHARS) for name in detail}
    return msgspec.json.encode(short, order="sorted").decode()


def _code(text: str, width: int) -> str:
    return _CODE.sub("?", text[:width])

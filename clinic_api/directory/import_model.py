"""An import of people from a file: checked first, then applied, row by row."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.directory.csv_columns import CellError, Kind
from clinic_api.directory.csv_sheet import MAX_ROWS
from clinic_api.directory.likeness import Candidate
from clinic_api.directory.model import Id
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit

MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_DECISIONS_BYTES = 2 * 1024 * 1024

State = Literal["checked", "applying", "applied"]
Outcome = Literal["created", "updated", "skipped", "refused"]
# wrong: the check found errors. decided: somebody said so. new_likeness: a record like it came
# after the check. conflict: the record cannot be written any more.
Why = Literal["", "wrong", "decided", "new_likeness", "conflict"]


class CheckImport(msgspec.Struct, frozen=True, kw_only=True):
    """A file in CSV with a header, in UTF-8: up to 5 MB and 10 000 rows."""

    kind: Kind


class ListImports(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; each is kept for a day."""

    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class OneImport(msgspec.Struct, frozen=True):
    import_id: Id


class ListImportRows(msgspec.Struct, frozen=True, kw_only=True):
    """Those with errors, with likenesses, or that were refused; in the order of the file."""

    import_id: Id
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """On a line with likenesses. `update_contacts` adds phone numbers, e-mail addresses and the
    postal address of the line to the record `record_id`, and changes nothing else."""

    line: int
    action: Literal["skip", "new", "update_contacts"]
    record_id: Id | None = None


class ApplyImport(msgspec.Struct, frozen=True, kw_only=True):
    """One decision for each line with likenesses and without errors."""

    import_id: Id
    decisions: Annotated[tuple[Decision, ...], Meta(max_length=MAX_ROWS)] = ()


class CheckedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that somebody should look at."""

    line: int
    name: str
    errors: tuple[CellError, ...] = ()
    candidates: tuple[Candidate, ...] = ()


class ImportRow(CheckedRow, frozen=True, kw_only=True):
    """With what came of it, None until then; `record_id`: of the record made or changed."""

    outcome: Outcome | None = None
    why: Why = ""
    record_id: str | None = None


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` of the file; `wrong` and `alike` of them were found by the check; `done` were applied,
    and became what the other numbers say. `unknown_columns` are left out."""

    id: str
    version: int
    kind: Kind
    state: State
    rows: int
    wrong: int
    alike: int  # to a record or another line, and not wrong
    unknown_columns: tuple[str, ...]
    done: int
    created: int
    updated: int
    skipped: int
    refused: int
    created_at: datetime
    expires_at: datetime


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found that began at `began_at`."""

    began_at: datetime
    rows: int
    unknown_columns: tuple[str, ...]
    lines: tuple[CheckedRow, ...]

    @property
    def wrong(self) -> int:
        return sum(bool(line.errors) for line in self.lines)

    @property
    def alike(self) -> int:
        return sum(not line.errors for line in self.lines)

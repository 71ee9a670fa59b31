"""What becomes of files: kept by the feature they belong to, given out, scanned, swept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Literal

import msgspec

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.files import store
from clinic_api.files.model import GIVEN_OUT, FileView, GivenFile, ReceivedFile
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction

SCANNED_AT_ONCE = 20
_FINDING_CHARS = 100

Purpose = Literal["document", "photo", "import"]
PUT_OFF = timedelta(minutes=10)  # a file that the scanner had no answer for


class Waiting(msgspec.Struct, frozen=True):
    """A file that the virus scanner has to see."""

    id: str
    size: int


class WaitingFiles(msgspec.Struct, frozen=True):
    """Nothing to say: the next of them."""


class OneFile(msgspec.Struct, frozen=True):
    file_id: str


class SettleScan(msgspec.Struct, frozen=True, kw_only=True):
    """What the scanner said; `finding` is what it calls what it found."""

    file_id: str
    verdict: Literal["clean", "refused"]
    finding: str = ""


class NamedFiles(msgspec.Struct, frozen=True):
    """Which of these ids are files that some row stands for?"""

    file_ids: tuple[str, ...]


# for features, inside their own services


def keep(tx: Transaction, actor: Actor, purpose: Purpose, file: ReceivedFile) -> None:
    """The row of a file that is on disk; its id is the file's."""
    store.insert(tx, actor, purpose, file)


def show(tx: Transaction, file_ids: Collection[str]) -> dict[str, FileView]:
    """By id, as people see them."""
    return {row.id: store.view(tx, row) for row in store.file_rows(tx, file_ids)}


def give(tx: Transaction, file_id: str) -> GivenFile:
    """For streaming. Raises Refused: file_quarantined, file_infected."""
    row = store.file_row(tx, file_id)
    if row.state not in GIVEN_OUT:
        raise Refused("file_infected" if row.state == "refused" else "file_quarantined")
    return store.given(tx, row)


def drop(tx: Transaction, file_id: str) -> None:
    """No row names it any more: its bytes go with the next sweep."""
    store.delete(tx, file_id)


# for jobs


@guarded("file.await_scan")
def waiting_for_scan(tx: Transaction, actor: Actor, command: WaitingFiles) -> tuple[Waiting, ...]:
    """Files in quarantine, the oldest first; those that were put off come later."""
    del actor, command
    rows = store.quarantined(tx, tx.now - PUT_OFF, SCANNED_AT_ONCE)
    return tuple(Waiting(row.id, row.size) for row in rows)


@guarded("file.await_scan")
def put_off_scan(tx: Transaction, actor: Actor, command: OneFile) -> None:
    """The scanner has no answer for it: too large, or not to be read."""
    tx.update(store.files, actor, command.file_id)


@guarded("file.scan")
def settle_scan(tx: Transaction, actor: Actor, command: SettleScan) -> bool:
    """Let it out, or refuse it for ever; whether its bytes have to go now."""
    row = store.file_row(tx, command.file_id)
    tx.note(actor, "file", row.id, verdict=command.verdict)
    if row.state != "quarantined":
        return False
    finding = command.finding[:_FINDING_CHARS]
    tx.update(store.files, actor, row.id, state=command.verdict, finding=finding, scanned_at=tx.now)
    return command.verdict == "refused"


@guarded("file.sweep")
def named_files(tx: Transaction, actor: Actor, command: NamedFiles) -> frozenset[str]:
    """Those of the ids whose files must stay."""
    del actor
    return frozenset(store.named_among(tx, command.file_ids))

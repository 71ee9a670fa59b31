"""Who may be the same person: by what two rows or records have in common. A hint, never a proof."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec

from clinic_api.directory.contacts import folded

MOST = 10  # candidates of one row: a whole family may share a number

Reason = Literal["name", "phone", "email"]
Key = tuple[Reason, str]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A record, or another line of the same file, and what they have in common."""

    record_id: str | None = None
    line: int | None = None
    reasons: tuple[Reason, ...]


class Known(msgspec.Struct, frozen=True):
    """What a record can be recognised by."""

    record_id: str
    keys: frozenset[Key]


class Likeness:
    """Everybody who is known so far, by what they can be recognised by."""

    def __init__(self, records: Iterable[Known] = ()) -> None:
        self._holders: dict[Key, list[str | int]] = {}
        for record in records:
            self._add(record.record_id, record.keys)

    def add_line(self, line: int, keys: frozenset[Key]) -> None:
        self._add(line, keys)

    def candidates(self, keys: frozenset[Key]) -> tuple[Candidate, ...]:
        """Those with something in common, the ones with most first; MOST of them."""
        found: dict[str | int, list[Reason]] = {}
        for key in sorted(keys):
            for holder in self._holders.get(key, ())[: 10 * MOST]:
                reasons = found.setdefault(holder, [])
                if key[0] not in reasons:
                    reasons.append(key[0])
        ordered = sorted(found.items(), key=lambda item: (-len(item[1]), str(item[0])))
        return tuple(
            Candidate(line=holder, reasons=tuple(reasons))
            if isinstance(holder, int)
            else Candidate(record_id=holder, reasons=tuple(reasons))
            for holder, reasons in ordered[:MOST]
        )

    def _add(self, holder: str | int, keys: frozenset[Key]) -> None:
        for key in keys:
            self._holders.setdefault(key, []).append(holder)


def patient_keys(
    name: str, birth_date: date | None, phones: Iterable[str], emails: Iterable[str]
) -> frozenset[Key]:
    """The same words in the name, in whatever order, and the same day of birth; a number; a
    mailbox. Without a day of birth a name says too little."""
    keys: set[Key] = {("phone", phone) for phone in phones}
    keys |= {("email", email) for email in emails}
    if birth_date is not None and folded(name):
        keys.add(("name", f"{_words(name)} {birth_date}"))
    return frozenset(keys)


def practitioner_keys(name: str) -> frozenset[Key]:
    return frozenset({("name", _words(name))}) if folded(name) else frozenset()


def _words(name: str) -> str:
    return " ".join(sorted(folded(name).split()))

"""Find the first bad row of the audit: pure, row by row, in bounded memory.

The chain alone shows an edit, a deletion and a re-order. Whoever makes all later hashes anew, or
cuts the tail off, is found by the signed checkpoints, up to the last of them; what came after that
one stands on the chain only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from clinic_api.audit.chain import START, row_hash
from clinic_api.audit.model import AuditRow


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the checkpoints' file, `genuine` when this installation's key signed it."""

    line: int  # from 1
    seq: int
    hash: bytes
    genuine: bool


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """The first row that is not as it was written, or the first where that cannot be told."""

    seq: int
    sentence: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; `rows` before the fault if there is one."""

    rows: int
    signed_rows: int  # up to the last checkpoint that matched
    fault: Fault | None

    @property
    def sentence(self) -> str:
        if self.fault is not None:
            return f"The audit is broken at row {self.fault.seq}: {self.fault.sentence}"
        whole = f"The audit is whole: {self.rows} {'row' if self.rows == 1 else 'rows'}"
        if not self.signed_rows:
            return f"{whole}. No checkpoint has been signed yet."
        return f"{whole}, signed up to row {self.signed_rows}."


class Verifier:
    """Feed rows in order, then finish. After a fault nothing more is looked at."""

    def __init__(self, marks: Iterable[Mark]) -> None:
        self._marks: Iterator[Mark] = iter(marks)
        self._seq, self._previous = 0, START
        self._signed = 0
        self._marked = 1  # what the last checkpoint named
        self._fault: Fault | None = None
        self._mark = self._next_mark()

    @property
    def at(self) -> int:
        """The last row that was looked at and found good."""
        return self._seq

    @property
    def broken(self) -> bool:
        return self._fault is not None

    def feed(self, rows: Iterable[AuditRow]) -> None:
        for row in rows:
            if self._fault is None:
                self._take(row)

    def finish(self) -> Verdict:
        """To be called when there are no more rows."""
        last = self._mark
        while self._fault is None and self._mark is not None:
            last, self._mark = self._mark, self._next_mark()
        if self._fault is None and last is not None:
            first = self._seq + 1
            self._blame(first, f"rows {first} to {last.seq} were cut off; checkpoints name them.")
        return Verdict(rows=self._seq, signed_rows=self._signed, fault=self._fault)

    def _take(self, row: AuditRow) -> None:
        expected = self._seq + 1
        if row.seq != expected:
            self._blame(expected, f"it is missing; the next row is {row.seq}.")
        elif row_hash(row) != row.hash:
            self._blame(row.seq, "it was changed, or moved here from another place.")
        elif row.previous != self._previous:
            self._blame(
                max(self._seq, 1), f"it was replaced; row {row.seq} was written after another one."
            )
        else:
            self._seq, self._previous = row.seq, row.hash
            self._compare()

    def _compare(self) -> None:
        """With the checkpoints for the row just taken; several may name the same one."""
        while self._fault is None and self._mark is not None and self._mark.seq == self._seq:
            if self._mark.hash != self._previous:
                self._blame(
                    self._signed + 1,
                    f"rows {self._signed + 1} to {self._seq} were written anew; "
                    f"checkpoint {self._mark.line} was signed for others.",
                )
                return
            self._signed = self._seq
            self._mark = self._next_mark()

    def _next_mark(self) -> Mark | None:
        mark = next(self._marks, None)
        if mark is None:
            return None
        if not mark.genuine:
            why = "is not signed by this clinic's key; nothing from here on is certain."
        elif mark.seq < self._marked:
            why = "is out of order; nothing from here on is certain."
        else:
            self._marked = mark.seq
            return mark
        self._blame(self._signed + 1, f"line {mark.line} of the checkpoints {why}")
        return None

    def _blame(self, seq: int, sentence: str) -> None:
        self._fault = Fault(seq=seq, sentence=sentence)

"""Numbers that wrap: sequence numbers (16 bits) and timestamps (32 bits) compared and extended.

Two serial numbers are compared by the shorter way round (RFC 1982), so "newer" means less than
half the range ahead. Where history matters a stream's numbers are extended to ints that never
wrap: an `Unwrapper` takes each number as the nearest one to the highest it has seen, so late
packets get their place and do not move it back.
"""

from __future__ import annotations

SEQUENCE_BITS = 16
TIMESTAMP_BITS = 32


def seq_difference(a: int, b: int) -> int:
    """`a` − `b` for 16-bit sequence numbers by the shorter way, −32768..32767."""
    return (a - b + 0x8000 & 0xFFFF) - 0x8000


class Unwrapper:
    """Extends one stream's wrapping numbers to ints that grow; the first number stands for itself.

    Numbers from before the first one extend below it and may be negative; the low bits of an
    extended number are always the number itself.
    """

    __slots__ = ("_half", "_mask", "highest")

    def __init__(self, bits: int = SEQUENCE_BITS) -> None:
        self._half = 1 << (bits - 1)
        self._mask = (1 << bits) - 1
        self.highest: int | None = None

    def unwrap(self, number: int) -> int:
        """The extended value nearest to the highest so far; moves it up, never down."""
        highest = self.highest
        if highest is None:
            self.highest = number
            return number
        extended = highest + (number - highest + self._half & self._mask) - self._half
        if extended > highest:
            self.highest = extended
        return extended

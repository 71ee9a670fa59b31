"""Codes to write down: sixteen signs that cannot be mistaken for one another, each good once.

80 bits of chance each, kept as a keyed hash (NIST SP 800-63B-4 3.1.2). The random bytes are given.
"""

from __future__ import annotations

SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
CODES = 10
CODE_BYTES = 10
GROUP_CHARS = 4
_MISTAKEN = str.maketrans({"O": "0", "I": "1", "L": "1"})


def spelled(chance: bytes) -> str:
    """Five bits per sign, in groups of four."""
    number, chars = int.from_bytes(chance), len(chance) * 8 // 5
    text = "".join(SIGNS[number >> 5 * place & 31] for place in reversed(range(chars)))
    return "-".join(text[start : start + GROUP_CHARS] for start in range(0, len(text), GROUP_CHARS))


def normal(typed: str) -> str:
    """What was meant by what was typed: no case, dashes or spaces; O is 0, I and L are 1."""
    bare = "".join(char for char in typed.upper() if char.isalnum())
    return bare.translate(_MISTAKEN)

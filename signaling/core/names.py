"""Names as people may see them: bounded, printable, left to right in nobody else's line."""

from __future__ import annotations

import unicodedata

MAX_NAME_CHARS = 64  # fits a tile; a longer one is cut
MAX_ROLE_CHARS = 32
# Joiners are part of Persian, Indic and emoji writing; every other format character can hide or
# turn the text around it.
_KEPT_FORMAT = frozenset("\u200c\u200d")


def printable(text: str, max_chars: int) -> str:
    """`text` without control and direction characters, spaces collapsed, cut to `max_chars`."""
    kept = "".join(char if _is_printable(char) else " " for char in text)
    return " ".join(kept.split())[:max_chars].strip()


def _is_printable(char: str) -> bool:
    return char in _KEPT_FORMAT or unicodedata.category(char)[0] != "C"

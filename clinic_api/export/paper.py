"""A paper to be printed: what stands on it, not how it looks."""

from __future__ import annotations

import unicodedata
from typing import Literal

import msgspec

PageSize = Literal["a4", "letter"]
LETTER = frozenset({"US", "CA", "MX"})  # countries that print on ANSI A, ISO 3166-1


class Heading(msgspec.Struct, frozen=True, tag="heading"):
    text: str


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Paragraphs, one a line; each reads in the direction of its own script."""

    text: str


class Facts(msgspec.Struct, frozen=True, tag="facts"):
    """Label and value, one pair a row."""

    rows: tuple[tuple[str, str], ...]


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """`footer` stands on every page, before its number. `language` is that of the labels, BCP 47;
    `made_at` is ISO 8601 in UTC."""

    title: str
    letterhead: tuple[str, ...]
    blocks: tuple[Heading | Text | Facts, ...]
    footer: str
    made_at: str
    size: PageSize = "a4"
    language: str = "en"


def page_size(country: str) -> PageSize:
    """What printers of the country hold."""
    return "letter" if country in LETTER else "a4"


def reads_right_to_left(text: str) -> bool:
    """By the first strong character, as the Unicode Bidirectional Algorithm (UAX #9, P2, P3)."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in {"L", "R", "AL"}:
            return direction != "L"
    return False

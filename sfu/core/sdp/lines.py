"""Cut SDP text into a session block and one block per m-line, within bounds (RFC 8866 section 5).

Only three line types matter to an answerer: `o=`, `m=` and `a=`. The others are checked for their
shape and dropped. CRLF and LF line ends are accepted, a missing final one and blank lines too. All
bounds are checked before any work that grows with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from sfu.core.sdp.model import SdpError

MAX_TEXT = 120_000  # characters; the largest recorded offer (30 m-lines) has 85 308
MAX_LINE = 4_096  # characters; the longest recorded line has 214
MAX_MEDIA = 64  # m-lines
MAX_ATTRIBUTES = 1_024  # per block; the richest recorded m-line has about 160

_LINE = re.compile(r"([a-z])=(.*)")


class Block(msgspec.Struct, frozen=True):
    """The session's part of the text, or one m-line with its attributes."""

    head: str  # the value of m=, or of o= for the session
    attributes: dict[str, list[str]]  # name → values in order; "" for a flag

    def values(self, name: str) -> list[str]:
        """Return all values of an attribute."""
        return self.attributes.get(name, [])

    def first(self, name: str) -> str | None:
        """Return an attribute's first value."""
        return next(iter(self.values(name)), None)

    def has(self, name: str) -> bool:
        """Whether the attribute is there."""
        return name in self.attributes


def split(text: str) -> tuple[Block, list[Block]]:
    """Return the session's block and the m-lines' blocks. Raises SdpError."""
    lines = _lines(text)
    if next(lines, ("", "")) != ("v", "0"):
        raise SdpError("not_sdp", "The offer does not start with v=0.")
    return _blocks(lines)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    if len(text) > MAX_TEXT:
        raise SdpError("too_long", f"The offer is longer than {MAX_TEXT} characters.")
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.rstrip("\r ")
        if stripped:
            yield _line(stripped, number)


def _line(line: str, number: int) -> tuple[str, str]:
    if len(line) > MAX_LINE:
        raise SdpError("too_long", f"Line {number} is longer than {MAX_LINE} characters.")
    match = _LINE.fullmatch(line)
    if match is None:
        raise SdpError("bad_line", f"Line {number} is not of the form letter=value.")
    return match[1], match[2]


def _blocks(lines: Iterator[tuple[str, str]]) -> tuple[Block, list[Block]]:
    session = current = Block("", {})
    media: list[Block] = []
    for kind, value in lines:
        if kind == "m":
            current = Block(value, {})
            media.append(current)
            if len(media) > MAX_MEDIA:
                raise SdpError("too_many_media", f"The offer has more than {MAX_MEDIA} m-lines.")
        elif kind == "a":
            _add(current, value)
        elif kind == "o" and current is session:
            session = current = Block(value, session.attributes)
    _check_bounds([session, *media])
    return session, media


def _add(block: Block, text: str) -> None:
    name, _, value = text.partition(":")
    block.attributes.setdefault(name, []).append(value)


def _check_bounds(blocks: list[Block]) -> None:
    for block in blocks:
        if sum(map(len, block.attributes.values())) > MAX_ATTRIBUTES:
            raise SdpError("too_many_attributes", "An m-line has too many attributes.")

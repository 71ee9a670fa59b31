"""SDP fragments for ICE (RFC 8840 section 9, `application/trickle-ice-sdpfrag`), as WHIP uses them.

A client sends candidates, which a lite agent has no use for, or new credentials, which ask for an
ICE restart (RFC 9725 section 4.3). The entity tag of a session is a hash of the client's own
credentials: it changes with them, and it tells a restart from candidates without a memory.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from signaling.ports import IceParameters

MAX_CHARS = 65_536
_LINE = re.compile(r"[a-z]=[^\r\n\0]*")
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")  # RFC 8839 section 5.4
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")


class BadFragment(Exception):
    """Not an SDP fragment that we can read."""


class Fragment(msgspec.Struct, frozen=True):
    """What is used of a fragment. `ufrag` and `password` are "" where it only has candidates."""

    ufrag: str = ""
    password: str = ""
    head: tuple[str, ...] = ()  # a=group, m= and a=mid lines, for the answer to repeat


def parse(text: str) -> Fragment:
    """Read a client's fragment. Raises BadFragment."""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if not lines or len(text) > MAX_CHARS or not all(_LINE.fullmatch(line) for line in lines):
        raise BadFragment
    ufrag, password = _first("ice-ufrag", lines), _first("ice-pwd", lines)
    if ufrag or password:
        if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
            raise BadFragment
    elif not any(line.startswith(("a=candidate:", "a=end-of-candidates")) for line in lines):
        raise BadFragment
    return Fragment(ufrag, password, _head(lines))


def write(head: tuple[str, ...], ice: IceParameters) -> str:
    """Our fragment in answer to one with this `head`: new credentials, all candidates."""
    lines = [
        "a=ice-lite",
        *head,
        f"a=ice-ufrag:{ice.ufrag}",
        f"a=ice-pwd:{ice.password}",
        *(f"a=candidate:{value}" for value in ice.candidates),
        "a=end-of-candidates",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def entity_tag(text: str) -> str:
    """The tag of the ICE session whose client credentials stand in an offer or a fragment."""
    lines = text.replace("\r\n", "\n").split("\n")
    credentials = f"{_first('ice-ufrag', lines)}|{_first('ice-pwd', lines)}"
    return hashlib.sha256(credentials.encode()).hexdigest()[:32]


def _first(name: str, lines: list[str]) -> str:
    prefix = f"a={name}:"
    return next((line.removeprefix(prefix) for line in lines if line.startswith(prefix)), "")


def _head(lines: list[str]) -> tuple[str, ...]:
    """The first line of each kind, in the order that an SDP has them."""
    found = (
        next((line for line in lines if line.startswith(start)), "")
        for start in ("a=group:BUNDLE ", "m=", "a=mid:")
    )
    return tuple(line for line in found if line)

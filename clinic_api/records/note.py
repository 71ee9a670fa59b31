"""The states of a note: one table, the only place that decides the next.

drafted → signed → amended. A draft may be thrown away; what was signed stays for good, and is
corrected by an addendum only.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from clinic_api.errors import Refused

NoteState = Literal["drafted", "signed", "amended", "discarded"]
NoteEvent = Literal["save", "sign", "amend", "discard"]

STATES: tuple[NoteState, ...] = get_args(NoteState)
EVENTS: tuple[NoteEvent, ...] = get_args(NoteEvent)
SIGNED: frozenset[NoteState] = frozenset({"signed", "amended"})

TABLE: dict[NoteState, dict[NoteEvent, NoteState]] = {
    "drafted": {"save": "drafted", "sign": "signed", "discard": "discarded"},
    "signed": {"amend": "amended"},
    "amended": {"amend": "amended"},
    "discarded": {},
}

Section = Annotated[str, Meta(max_length=20_000)]


class Sections(msgspec.Struct, frozen=True, kw_only=True):
    """SOAP (Weed 1968), and what the patient is told to do; plain text."""

    subjective: Section = ""
    objective: Section = ""
    assessment: Section = ""
    plan: Section = ""
    follow_up: Section = ""


def after(state: NoteState, event: NoteEvent) -> NoteState:
    """Raises Refused(illegal_event), which names both."""
    try:
        return TABLE[state][event]
    except KeyError:
        raise Refused("illegal_event", f"A note that is {state} cannot {event}.") from None


def is_blank(sections: Sections) -> bool:
    return not any(getattr(sections, name).strip() for name in Sections.__struct_fields__)


def digest(sections: Sections, author: str, signed_at: datetime) -> str:
    """SHA-256 in hex over what was signed, by whom and when: what a later reader compares."""
    signed = (msgspec.json.encode(sections), author.encode(), signed_at.isoformat().encode())
    return hashlib.sha256(b"\n".join(signed)).hexdigest()

"""Who acts: a signed-in user, a participant of a visit, a program, the server, a stranger."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Role = Literal["admin", "doctor", "nurse", "desk", "billing", "patient"]
ActorKind = Literal["user", "participant", "api_key", "system", "stranger"]
STAFF: frozenset[str] = frozenset({"admin", "doctor", "nurse", "desk", "billing"})


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a permission may depend on, read once per request."""

    kind: ActorKind
    id: str = ""  # of the user, participant, API key; the name of the process
    roles: frozenset[str] = frozenset()
    patient_ids: frozenset[str] = frozenset()  # own record, and wards'
    practitioner_id: str | None = None
    visit_id: str | None = None  # of a participant
    session_id: str | None = None
    stepped_up_at: datetime | None = None  # the last fresh second factor
    scopes: frozenset[str] | None = None  # actions an API key is limited to; None: no limit
    client: str = ""  # address, for the audit

    @property
    def label(self) -> str:
        """How rows name who wrote them."""
        return f"{self.kind}:{self.id}" if self.id else self.kind

    @property
    def is_staff(self) -> bool:
        return bool(self.roles & STAFF)


STRANGER = Actor(kind="stranger")


def system(name: str) -> Actor:
    """A part of the server that acts by itself: jobs, gate, console."""
    return Actor(kind="system", id=name)

"""A visit, those who take part, and what each of them may be shown."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from clinic_api.visits.visit import OPEN, State

Kind = Literal["booked", "instant", "walk_in", "console"]
Role = Literal[
    "provider", "patient", "proxy", "guest", "device", "interpreter", "family", "student"
]
Modality = Literal["video", "audio"]
Right = Literal["publish", "subscribe", "moderate", "chat"]  # as call control has them
LinkState = Literal["open", "early", "expired", "ended", "cancelled", "revoked"]

RIGHTS: dict[Role, tuple[Right, ...]] = {
    "provider": ("publish", "subscribe", "moderate", "chat"),
    "patient": ("publish", "subscribe", "chat"),
    "proxy": ("publish", "subscribe", "chat"),
    "guest": ("publish", "subscribe", "chat"),
    "device": ("publish",),
    "interpreter": ("publish", "subscribe"),
    "family": ("publish", "subscribe", "chat"),
    "student": ("subscribe",),
}
PATIENT_SIDE: frozenset[Role] = frozenset({"patient", "proxy"})
THIRD_PARTIES: frozenset[Role] = frozenset({"interpreter", "family", "student"})
MAX_TRIES = 5  # confirmations of a second device


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's seat in a visit. `generation` counts the links that were given for it."""

    id: str
    version: int
    visit_id: str
    role: Role
    name: str
    language: str
    phone: str
    email: str
    user_id: str | None
    patient_id: str | None  # for whom: the patient's own, and a proxy's
    rights: tuple[Right, ...]
    waits: bool  # must be admitted
    binds_device: bool
    generation: int
    takeovers: int
    tries: int
    bound: bool
    agreed_at: datetime | None  # the patient agreed that a student is there
    revoked_at: datetime | None


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One visit. `room` is how call control knows it; times are what really happened."""

    id: str
    version: int
    room: str
    kind: Kind
    state: State
    practitioner_id: str | None
    patient_id: str | None
    appointment_id: str | None  # of a booked visit
    starts_at: datetime | None  # as booked
    declared_modality: Modality
    real_modality: Modality | None
    opens_at: datetime
    expires_at: datetime
    first_joined_at: datetime | None
    admitted_at: datetime | None
    call_started_at: datetime | None  # both sides were in the call
    call_ended_at: datetime | None
    ended_at: datetime | None
    late_minutes: int | None  # the practitioner's own estimate
    late_said_at: datetime | None


class Participation(msgspec.Struct, frozen=True, kw_only=True):
    """One coming to the call, until leaving it."""

    id: str
    visit_id: str
    participant_id: str
    peer: str
    joined_at: datetime
    admitted_at: datetime | None
    left_at: datetime | None
    why: str
    media: str


def link_state(visit: Visit, participant: Participant, now: datetime) -> LinkState:
    """What a link opens now; it is valid until the visit ends."""
    if participant.revoked_at is not None:
        return "revoked"
    if visit.state in ("ended", "cancelled", "expired"):
        return visit.state
    if visit.state != "in_progress" and now >= visit.expires_at:
        return "expired"
    return "early" if now < visit.opens_at else "open"


def is_open(visit: Visit, now: datetime) -> bool:
    """Whether anybody may still come."""
    return visit.state in OPEN and (visit.state == "in_progress" or now < visit.expires_at)


def lacks_agreement(participant: Participant) -> bool:
    """Whether the patient has still to agree that this student is there."""
    return participant.role == "student" and participant.agreed_at is None

"""An appointment as calendars get it: when, at which clinic and by which means, nothing of health.

Its UID is that of the whole chain of moves and tells nothing; the page that it names asks whoever
opens it to sign in, so the entry may lie in a calendar that others see.
"""

from __future__ import annotations

from datetime import datetime

from clinic_api.catalogue.model import Modality
from clinic_api.organisation import store as organisations
from clinic_api.scheduling.appointment import State
from clinic_api.scheduling.ics import Entry, Status
from clinic_api.scheduling.model import Appointment
from clinic_api.transaction import Transaction

PAGE = "/visits"
PLACES: dict[Modality, str] = {"video": "Video visit", "audio": "Audio visit"}
_STATUS: dict[State, Status] = {
    "pending_approval": "TENTATIVE",
    "cancelled": "CANCELLED",
    "expired": "CANCELLED",
}


def uid_of(tx: Transaction, appointment: Appointment) -> str:
    """Stable over moves, the same in mails and feeds, and no id of ours."""
    return tx.keys.token("calendar uid", appointment.uid)


def invite_of(tx: Transaction, appointment: Appointment) -> Entry:
    """What the patient's calendar is told of it now."""
    clinic = organisations.organisation(tx).name
    return entry_of(tx, appointment, f"Appointment with {clinic}", tx.now)


def entry_of(
    tx: Transaction, appointment: Appointment, summary: str, changed_at: datetime
) -> Entry:
    """The entry under a summary that the caller answers for."""
    page = tx.public_url + PAGE
    return Entry(
        uid=uid_of(tx, appointment),
        sequence=appointment.sequence,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        zone=appointment.zone,
        status=_STATUS.get(appointment.state, "CONFIRMED"),
        summary=summary,
        location=PLACES[appointment.modality],
        description=f"Sign in to see it, to move it or to join: {page}",
        url=page,
        changed_at=changed_at,
    )

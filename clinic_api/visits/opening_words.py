"""What a link says that is opened too early: when the visit begins, by the patient's clock."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from clinic_api.mail.texts import language
from clinic_api.organisation.store import organisation
from clinic_api.scheduling import store as appointments
from clinic_api.transaction import Transaction
from clinic_api.visits.model import Participant, Visit


def opening_words(tx: Transaction, visit: Visit, seat: Participant) -> str:
    """The time that was booked, and from when the link opens."""
    begins_at = visit.starts_at or visit.opens_at
    zone = ZoneInfo(_zone(tx, visit) or organisation(tx).time_zone)
    time = language(seat.language).show_time(begins_at.astimezone(zone))
    before_min = round((begins_at - visit.opens_at).total_seconds() / 60)
    from_when = f" {before_min} minutes before" if before_min else ""
    return f"This visit begins: {time}. Please open the link again{from_when or ' then'}."


def _zone(tx: Transaction, visit: Visit) -> str:
    """IANA; "" where nobody booked."""
    booked_by = visit.appointment_id
    booked = None if booked_by is None else appointments.find(tx, booked_by)
    return "" if booked is None else booked.shown_zone

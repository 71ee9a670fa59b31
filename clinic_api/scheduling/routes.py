"""Operations on hours, free times and appointments under /api/v1."""

from __future__ import annotations

from clinic_api.http.route import Route
from clinic_api.paging import Page
from clinic_api.scheduling.booking import Book, Hold, OneAppointment, Overbook, confirm, overbook
from clinic_api.scheduling.ending import (
    Cancel,
    Correct,
    Decide,
    approve,
    cancel,
    correct,
    decide,
    decline,
)
from clinic_api.scheduling.flows import book, hold, move
from clinic_api.scheduling.hours import (
    AddException,
    AddHours,
    AvailabilityOf,
    ChangeHours,
    RemoveException,
    RemoveHours,
    add_exception,
    add_hours,
    change_hours,
    list_availability,
    remove_exception,
    remove_hours,
)
from clinic_api.scheduling.model import (
    AppointmentView,
    Availability,
    FreeSlots,
    HoursException,
    HoursRule,
)
from clinic_api.scheduling.moving import Move, Swap, Swapped, swap
from clinic_api.scheduling.reading import (
    ListAppointments,
    ListConflicts,
    ReadAppointment,
    list_appointments,
    list_conflicts,
    read_appointment,
)
from clinic_api.scheduling.reassigning import Reassign, Reassigned, reassign
from clinic_api.scheduling.search import FindSlots, find_slots

_HOURS = "/practitioners/{practitioner_id}/availability"
_RULE = _HOURS + "/hours/{rule_id}"
_EXCEPTION = _HOURS + "/exceptions/{exception_id}"
_ALL = "/appointments"
_ONE = "/appointments/{appointment_id}"

ROUTES: tuple[Route, ...] = (
    Route("GET", _HOURS, list_availability, AvailabilityOf, Availability),
    Route("POST", f"{_HOURS}/hours", add_hours, AddHours, HoursRule, status=201),
    Route("PUT", _RULE, change_hours, ChangeHours, HoursRule),
    Route("DELETE", _RULE, remove_hours, RemoveHours, None),
    Route("POST", f"{_HOURS}/exceptions", add_exception, AddException, HoursException, status=201),
    Route("DELETE", _EXCEPTION, remove_exception, RemoveException, None),
    # booking
    Route("GET", "/slots", find_slots, FindSlots, FreeSlots),
    Route("POST", f"{_ALL}/hold", hold, Hold, AppointmentView, status=201),
    Route("POST", _ALL, book, Book, AppointmentView, status=201),
    Route("POST", f"{_ALL}/overbook", overbook, Overbook, AppointmentView, status=201),
    Route("GET", _ALL, list_appointments, ListAppointments, Page[AppointmentView]),
    Route("GET", f"{_ALL}/conflicts", list_conflicts, ListConflicts, Page[AppointmentView]),
    Route("GET", _ONE, read_appointment, ReadAppointment, AppointmentView),
    Route("POST", "/practitioners/{practitioner_id}/reassign", reassign, Reassign, Reassigned),
    # one appointment
    Route("POST", f"{_ONE}/confirm", confirm, OneAppointment, AppointmentView),
    Route("POST", f"{_ONE}/move", move, Move, AppointmentView, status=201),
    Route("POST", f"{_ONE}/swap", swap, Swap, Swapped, status=201),
    Route("POST", f"{_ONE}/cancel", cancel, Cancel, AppointmentView),
    Route("POST", f"{_ONE}/approve", approve, OneAppointment, AppointmentView),
    Route("POST", f"{_ONE}/decline", decline, OneAppointment, AppointmentView),
    Route("POST", f"{_ONE}/outcome", decide, Decide, AppointmentView),
    Route("POST", f"{_ONE}/correct", correct, Correct, AppointmentView),
)

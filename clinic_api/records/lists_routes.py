"""Operations on clinical lists and measurements under /api/v1."""

from __future__ import annotations

from clinic_api.http.route import Route
from clinic_api.records.lists import (
    ChangeAllergy,
    ChangeMedicine,
    ChangeProblem,
    Lists,
    NoteAllergy,
    NoteMedicine,
    NoteProblem,
    OfPatient,
    OneEntry,
    WithdrawEntry,
    change_allergy,
    change_medicine,
    change_problem,
    confirm_entry,
    end_entry,
    note_allergy,
    note_medicine,
    note_problem,
    reactivate_entry,
    read_lists,
    withdraw_entry,
)
from clinic_api.records.lists_model import Entry
from clinic_api.records.observations import (
    ListObservations,
    NoteObservation,
    Observations,
    WithdrawObservation,
    list_observations,
    newest_observations,
    note_observation,
    withdraw_observation,
)
from clinic_api.records.observations_store import Observation

_PATIENT = "/patients/{patient_id}"
_MEASURED = f"{_PATIENT}/observations"
_ENTRY = "/list-entries/{entry_id}"

ROUTES: tuple[Route, ...] = (
    Route("GET", f"{_PATIENT}/lists", read_lists, OfPatient, Lists),
    Route("POST", f"{_PATIENT}/problems", note_problem, NoteProblem, Entry, status=201),
    Route("POST", f"{_PATIENT}/allergies", note_allergy, NoteAllergy, Entry, status=201),
    Route("POST", f"{_PATIENT}/medicines", note_medicine, NoteMedicine, Entry, status=201),
    Route("PUT", "/problems/{entry_id}", change_problem, ChangeProblem, Entry),
    Route("PUT", "/allergies/{entry_id}", change_allergy, ChangeAllergy, Entry),
    Route("PUT", "/medicines/{entry_id}", change_medicine, ChangeMedicine, Entry),
    Route("POST", f"{_ENTRY}/confirm", confirm_entry, OneEntry, Entry),
    Route("POST", f"{_ENTRY}/end", end_entry, OneEntry, Entry),
    Route("POST", f"{_ENTRY}/reactivate", reactivate_entry, OneEntry, Entry),
    Route("POST", f"{_ENTRY}/withdraw", withdraw_entry, WithdrawEntry, Entry),
    Route("GET", _MEASURED, list_observations, ListObservations, Observations),
    Route("POST", _MEASURED, note_observation, NoteObservation, Observation, status=201),
    Route("GET", f"{_MEASURED}/newest", newest_observations, OfPatient, Observations),
    Route(
        "POST",
        "/observations/{observation_id}/withdraw",
        withdraw_observation,
        WithdrawObservation,
        Observation,
    ),
)

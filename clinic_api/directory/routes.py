"""Operations on people under /api/v1."""

from __future__ import annotations

from clinic_api.directory import import_routes, profile_routes
from clinic_api.directory.claiming import (
    Claim,
    Claimed,
    ClaimInvitation,
    InvitePatient,
    invite_patient,
)
from clinic_api.directory.flows import claim
from clinic_api.directory.merging import (
    Merged,
    MergePatients,
    Unmerge,
    merge_patients,
    unmerge_patients,
)
from clinic_api.directory.model import Patient, PatientSummary, Practitioner, Proxy
from clinic_api.directory.proxies import (
    EndProxy,
    GrantProxy,
    ListProxies,
    end_proxy,
    grant_proxy,
    list_proxies,
)
from clinic_api.directory.service import (
    ChangePatient,
    ChangePractitioner,
    CreatePatient,
    CreatePractitioner,
    ListPractitioners,
    OnePatient,
    OnePractitioner,
    SearchPatients,
    change_patient,
    change_practitioner,
    create_patient,
    create_practitioner,
    list_practitioners,
    read_patient,
    read_practitioner,
    register_patient,
    search_patients,
)
from clinic_api.http.route import Route
from clinic_api.paging import Page

_PATIENT = "/patients/{patient_id}"
_PROXIES = f"{_PATIENT}/proxies"
_PRACTITIONER = "/practitioners/{practitioner_id}"

ROUTES: tuple[Route, ...] = (
    *profile_routes.ROUTES,  # before /practitioners/{practitioner_id}, which is any word
    *import_routes.ROUTES,
    Route("POST", "/patients", create_patient, CreatePatient, Patient, status=201),
    # The words are in the body, because addresses are written down on the way.
    Route("POST", "/patients/search", search_patients, SearchPatients, Page[PatientSummary]),
    Route("POST", "/account/record", register_patient, CreatePatient, Patient, status=201),
    Route("POST", "/account/record/claim", claim, Claim, Claimed),
    Route("GET", _PATIENT, read_patient, OnePatient, Patient),
    Route("PUT", _PATIENT, change_patient, ChangePatient, Patient),
    Route(
        "POST",
        f"{_PATIENT}/invitation",
        invite_patient,
        InvitePatient,
        ClaimInvitation,
        status=201,
    ),
    Route("POST", f"{_PATIENT}/merge", merge_patients, MergePatients, Merged),
    Route("POST", "/patient-merges/{merge_id}/undo", unmerge_patients, Unmerge, Merged),
    Route("GET", _PROXIES, list_proxies, ListProxies, Page[Proxy]),
    Route("POST", _PROXIES, grant_proxy, GrantProxy, Proxy, status=201),
    Route("POST", _PROXIES + "/{proxy_id}/end", end_proxy, EndProxy, Proxy),
    Route(
        "GET",
        "/practitioners",
        list_practitioners,
        ListPractitioners,
        Page[Practitioner],
    ),
    Route(
        "POST",
        "/practitioners",
        create_practitioner,
        CreatePractitioner,
        Practitioner,
        status=201,
    ),
    Route("GET", _PRACTITIONER, read_practitioner, OnePractitioner, Practitioner),
    Route("PUT", _PRACTITIONER, change_practitioner, ChangePractitioner, Practitioner),
)

"""The audit's operations under /api/v1."""

from __future__ import annotations

from clinic_api.audit.flows import verify_audit
from clinic_api.audit.service import (
    AccessEntry,
    AuditEntry,
    ReadAccessLog,
    ReadAudit,
    Verification,
    VerifyAudit,
    read_access_log,
    read_audit,
)
from clinic_api.http.route import Route
from clinic_api.paging import Page

ROUTES: tuple[Route, ...] = (
    Route("GET", "/audit", read_audit, ReadAudit, Page[AuditEntry]),
    Route("POST", "/audit/verification", verify_audit, VerifyAudit, Verification),
    Route(
        "GET",
        "/patients/{patient_id}/access-log",
        read_access_log,
        ReadAccessLog,
        Page[AccessEntry],
    ),
)

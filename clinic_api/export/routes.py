"""Operations on printed papers and copies of records, under /api/v1."""

from __future__ import annotations

from clinic_api.export.flows import PDF, ZIP, download_export, print_summary
from clinic_api.export.model import AskExport, Export, OneExport, OneVisit
from clinic_api.export.service import ask_export
from clinic_api.files.model import Streamed
from clinic_api.http.route import Route

ROUTES: tuple[Route, ...] = (
    Route("GET", "/visits/{visit_id}/summary", print_summary, OneVisit, Streamed, media_type=PDF),
    Route("POST", "/patients/{patient_id}/exports", ask_export, AskExport, Export, status=201),
    Route(
        "POST",
        "/exports/{export_id}/download",
        download_export,
        OneExport,
        Streamed,
        media_type=ZIP,
    ),
)

"""Operations on imports under /api/v1."""

from __future__ import annotations

from clinic_api.directory.csv_sheet import as_utf_8
from clinic_api.directory.import_flows import apply_import, check_import
from clinic_api.directory.import_model import (
    MAX_DECISIONS_BYTES,
    MAX_FILE_BYTES,
    ApplyImport,
    CheckImport,
    Import,
    ImportRow,
    ListImportRows,
    ListImports,
    OneImport,
)
from clinic_api.directory.importing import (
    list_import_rows,
    list_imports,
    may_check,
    read_import,
)
from clinic_api.files.media_types import CSV, TEXT
from clinic_api.http.route import Remade, Route
from clinic_api.paging import Page

_ONE = "/imports/{import_id}"

TABLE = Remade(media_types=(CSV, TEXT), make=as_utf_8)
ROUTES: tuple[Route, ...] = (
    Route("GET", "/imports", list_imports, ListImports, Page[Import]),
    Route(
        "POST",
        "/imports",
        check_import,
        CheckImport,
        Import,
        status=201,
        before_file=may_check,
        max_body_bytes=MAX_FILE_BYTES,
        remade=TABLE,
    ),
    Route("GET", _ONE, read_import, OneImport, Import),
    Route("GET", f"{_ONE}/rows", list_import_rows, ListImportRows, Page[ImportRow]),
    Route(
        "POST",
        f"{_ONE}/apply",
        apply_import,
        ApplyImport,
        Import,
        max_body_bytes=MAX_DECISIONS_BYTES,
    ),
)

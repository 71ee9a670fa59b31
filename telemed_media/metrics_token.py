"""The secret that lets another machine read `/metrics`: one file in the data folder."""

from __future__ import annotations

import secrets
from pathlib import Path

from certs.files import PRIVATE, write_atomically

FILE_NAME = "metrics.token"


def load_or_create_metrics_token(keys: Path) -> str:
    """The token in `keys/metrics.token`, made on first use. Raises OSError."""
    path = keys / FILE_NAME
    try:
        found = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        found = ""
    if not found:
        found = secrets.token_urlsafe(24)
        write_atomically(path, f"{found}\n".encode(), PRIVATE)
    return found

"""The certificate by which the edge ends TLS for TURN: the front's files, followed as they change.

`certs` reads what certificates say and costs 10 MB of memory (measured); the edge only has to serve
them, and the front, which renews and checks them, tells people what is wrong with them.
"""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import structlog

CHECK_PERIOD_S = 60.0


class EdgeCertificate:
    """Raises OSError where the pair cannot be loaded (TLS's own errors are such)."""

    def __init__(self, certificate: str, key: str) -> None:
        self._files = (Path(certificate), Path(key))
        self._marks = self._look()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """For the next connection."""
        return self._context

    async def keep(self) -> None:
        """Follow the files until cancelled."""
        while True:
            await asyncio.sleep(CHECK_PERIOD_S)
            self.check()

    def check(self) -> None:
        """Serve a changed pair; one that does not fit, half copied perhaps, leaves the old one."""
        marks = self._look()
        if marks == self._marks:
            return
        self._marks = marks
        try:
            self._context = self._load()
        except OSError:
            structlog.get_logger().exception("certificate_not_reloaded")

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._files)
        return context

    def _look(self) -> list[tuple[int, int, int] | None]:
        """What tells one version of a file from another without reading it."""
        return [_mark(file) for file in self._files]


def _mark(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

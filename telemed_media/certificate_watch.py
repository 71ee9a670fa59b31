"""Keeps the front's certificate good while it serves.

Every minute: a local certificate is issued anew when the machine's addresses changed or its end is
near, and changed files are put into the running TLS context. At the start and once a day somebody
is told when the end is less than 21 days away.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import structlog

from certs.pair import CertificateError, expires_soon, seconds_left
from certs.serving import CertificateReloader
from telemed_media.certificates import renewed_local_pair

CHECK_PERIOD_S = 60.0
WARN_PERIOD_S = 24 * 3600.0
DAY_S = 24 * 3600.0


class CertificateWatch:
    """`local_names` as in FrontConfiguration: None for a certificate by settings."""

    def __init__(self, reloader: CertificateReloader, local_names: tuple[str, ...] | None) -> None:
        self._reloader = reloader
        self._local_names = local_names
        self._warned_at = 0.0
        self._log = structlog.get_logger()

    def names(self) -> frozenset[str]:
        """What the serving certificate says that we are."""
        return self._reloader.pair.names

    def seconds_left(self) -> float:
        """Seconds until the serving certificate expires."""
        return seconds_left(self._reloader.pair, time.time())

    async def keep(self) -> None:
        """Check until cancelled."""
        while True:
            self.check(time.time())
            await asyncio.sleep(CHECK_PERIOD_S)

    def check(self, now: float) -> None:
        """One check at Unix time `now`; what is wrong is logged, the old certificate serves on."""
        try:
            if self._local_names is not None:
                folder = Path(self._reloader.pair.certificate).parent
                renewed_local_pair(folder, self._local_names, now)
            if self._reloader.reload_if_changed(now):
                self._log.info("certificate_reloaded", days_left=self._days_left(now))
        except (CertificateError, OSError):
            self._log.exception("certificate_not_reloaded")
        self._warn(now)

    def _warn(self, now: float) -> None:
        if not expires_soon(self._reloader.pair, now) or now - self._warned_at < WARN_PERIOD_S:
            return
        self._warned_at = now
        self._log.warning("certificate_expires_soon", days_left=self._days_left(now))

    def _days_left(self, now: float) -> int:
        return int(seconds_left(self._reloader.pair, now) // DAY_S)

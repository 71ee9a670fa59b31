"""How strained this process is: its share of a core, and how late packets leave or duties run."""

from __future__ import annotations

import time

import structlog

from sfu.core.histogram import HistogramCounts
from sfu.core.overload import Overload, percentile

INTERVAL_S = 1.0
TAIL = 0.99

log = structlog.get_logger(__name__)


class Strain:
    """Reads the process's clocks once a second."""

    def __init__(self, delay: HistogramCounts, lag: HistogramCounts) -> None:
        self.overload = Overload()
        self._sources = (delay, lag)
        self._before = [counts.value() for counts in self._sources]
        self._read_at = time.monotonic()
        self._cpu_s = time.process_time()

    def watch(self, now: float) -> bool:
        """To be called often; True if other measures are due."""
        elapsed = now - self._read_at
        if elapsed < INTERVAL_S:
            return False
        cpu_s = time.process_time()
        share = (cpu_s - self._cpu_s) / elapsed
        readings = [counts.value() for counts in self._sources]
        late_s = max(map(percentile, self._before, readings, [TAIL] * len(readings)))
        self._read_at, self._cpu_s, self._before = now, cpu_s, readings
        if not self.overload.observe(share, late_s, now):
            return False
        log.warning("media_overload", count=self.overload.step)
        return True

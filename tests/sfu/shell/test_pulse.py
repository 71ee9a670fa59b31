"""How often the forwarder's duties run while media comes."""

from __future__ import annotations

import time

import pytest

from sfu.core.counters import Counters
from sfu.core.forwarder.forwarder import Forwarder
from sfu.core.pace import Pace
from sfu.shell.executor import Executor
from sfu.shell.pulse import BUSY_S, MEDIA_S, Pulse


def raise_it(bug: Exception) -> None:
    raise bug


@pytest.mark.parametrize(("is_busy", "interval_s"), [(False, MEDIA_S), (True, BUSY_S)])
async def test_duties_run_less_often_where_much_comes_and_soon_where_something_is_missing(
    monkeypatch: pytest.MonkeyPatch, is_busy: bool, interval_s: float
) -> None:
    forwarder, pace, now, ran = Forwarder(0.0, Counters()), Pace(), time.monotonic(), 0
    executor = Executor(forwarder, Counters(), lambda _event: None)
    pace.is_busy = is_busy
    pulse = Pulse(executor, lambda _now: None, raise_it, pace)

    def run(_now: float) -> None:
        nonlocal ran
        ran += 1

    monkeypatch.setattr(executor, "flush", lambda: True)
    monkeypatch.setattr(executor, "handle_timeout", run)
    for offset_s, hurried, expected in (
        (interval_s - 0.002, False, 0),
        (interval_s + 0.002, False, 1),
        (interval_s + 0.004, False, 1),
        (interval_s + 0.008, True, 2),
    ):
        monkeypatch.setattr("sfu.shell.pulse.time.monotonic", lambda at=now + offset_s: at)
        forwarder.state.hurried = hurried
        pulse.finish()
        assert ran == expected, offset_s
    pulse.close()

"""A flood of refusals does not become a flood of log lines."""

from __future__ import annotations

import pytest
import structlog

from telemed_media.log_gate import BURST, MAX_EVENTS, PER_S, LogGate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def passes(gate: LogGate, method: str = "info", event: str = "device refused") -> dict[str, object]:
    """The line, or nothing."""
    try:
        return dict(gate(None, method, {"event": event}))
    except structlog.DropEvent:
        return {}


def test_a_flood_leaves_a_burst_and_then_its_rate() -> None:
    clock = Clock()
    gate = LogGate(clock)
    assert sum(bool(passes(gate)) for _ in range(10_000)) == BURST
    clock.now = 2.0
    assert sum(bool(passes(gate)) for _ in range(10_000)) == 2 * PER_S


def test_the_next_line_counts_what_was_left_out() -> None:
    clock = Clock()
    gate = LogGate(clock)
    for _ in range(BURST + 7):
        passes(gate)
    clock.now = 10.0
    assert passes(gate)["count"] == 7
    assert "count" not in passes(gate)


@pytest.mark.parametrize("method", ["error", "critical", "exception"])
def test_errors_always_pass(method: str) -> None:
    gate = LogGate(Clock())
    assert all(passes(gate, method) for _ in range(10 * BURST))


def test_other_events_pass_beside_a_flood() -> None:
    gate = LogGate(Clock())
    for _ in range(10 * BURST):
        passes(gate)
    assert passes(gate, event="room opened")


def test_invented_events_take_no_memory() -> None:
    gate = LogGate(Clock())
    for number in range(10 * MAX_EVENTS):
        passes(gate, event=f"event {number}")
    assert len(gate._levels) <= MAX_EVENTS + 1

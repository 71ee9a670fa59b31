"""When the sockets count as busy."""

from __future__ import annotations

from sfu.core.pace import BUSY_PER_S, Pace


def paced(rate: float, seconds: float, start: float = 100.0) -> Pace:
    pace = Pace()
    for number in range(round(rate * seconds)):
        pace.note(1, start + number / rate)
    return pace


def test_sockets_are_busy_above_the_rate_and_not_below() -> None:
    assert paced(BUSY_PER_S * 1.2, 0.1).is_busy
    assert not paced(BUSY_PER_S * 0.8, 0.1).is_busy


def test_a_burst_after_a_silence_is_not_busy() -> None:
    pace = paced(100, 0.1)
    pace.note(64, 101.0)
    assert not pace.is_busy


def test_sockets_calm_down() -> None:
    pace = paced(BUSY_PER_S * 2, 0.1)
    pace.note(1, 100.2)
    assert not pace.is_busy

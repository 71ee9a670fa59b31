"""A machine that stands still for a moment is no slow link: the estimate stays, or nearly."""

from __future__ import annotations

import heapq

import pytest

from sfu.core.estimation.rate import BACKOFF, START_BPS
from tests.sim.flow import Flow, Traffic
from tests.sim.network import Conditions

PACKET_S = 0.02
STARTS, STEP_S = 20, 0.013  # where in the rhythm of feedback the machine stops
BEGAN_S = 6.0


class Steady(Flow):
    """Packets come from somebody else, one each `PACKET_S`; who stood still sends what waited."""

    def __init__(self, bps: float, down: Conditions) -> None:
        self._size = round(bps / 8 * PACKET_S)
        self._due = 0.0
        super().__init__(1, [(0.0, down)], traffic=Traffic(wanted_bps=bps))

    def _send_next(self) -> None:
        while self._due <= self.now:
            self._send(self._size, 0)
            self._due += PACKET_S
        self._at(self._due, self._send_next)

    def stand_still(self, seconds: float, *, receiver: bool) -> None:
        """Whatever is due meanwhile happens at the end, in its order."""
        end = self.now + seconds
        self._events = [(max(at, end), order, act) for at, order, act in self._events]
        heapq.heapify(self._events)
        if receiver:
            self._arrivals = [(max(at, end), number) for at, number in self._arrivals]
            heapq.heapify(self._arrivals)


@pytest.mark.parametrize("receiver", [True, False])
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6, 1.2])
@pytest.mark.parametrize("bps", [40_000.0, 100_000.0, 400_000.0])
def test_little_that_is_sent_late_or_read_late_does_not_lower_the_estimate(
    bps: float, seconds: float, receiver: bool
) -> None:
    for number in range(STARTS):
        flow = Steady(bps, Conditions())
        flow.run(BEGAN_S + number * STEP_S)
        flow.stand_still(seconds, receiver=receiver)
        flow.run(BEGAN_S + 4)
        assert min(flow.estimates(0, BEGAN_S + 4)) >= BACKOFF * START_BPS


def test_a_link_that_becomes_slow_in_a_standstill_is_found_all_the_same() -> None:
    slow = Conditions(rate_bps=150_000.0)
    for number in range(STARTS):
        began = BEGAN_S + number * STEP_S
        flow = Flow(number, [(0.0, Conditions()), (began, slow)], traffic=Traffic(400_000.0))
        flow.run(began)
        flow._events = [(max(at, began + 0.3), order, act) for at, order, act in flow._events]
        heapq.heapify(flow._events)
        flow.run(began + 1.3)
        assert max(flow.estimates(began + 0.8, began + 1.3)) <= 200_000


@pytest.mark.parametrize("seconds", [1.5, 3.0])
def test_a_receiver_that_says_nothing_for_long_but_got_all_is_sent_as_before(
    seconds: float,
) -> None:
    flow = Steady(400_000.0, Conditions())
    flow.run(BEGAN_S)
    report, receiver = flow._report, [event for event in flow._events if event[2] == flow._report]
    assert len(receiver) == 1
    flow._events.remove(receiver[0])
    heapq.heapify(flow._events)
    flow._at(BEGAN_S + seconds, report)
    flow.run(BEGAN_S + seconds)
    assert flow.estimates(0, flow.now)[-1] < START_BPS / 2, "while nothing is known"
    flow.run(flow.now + 0.5)
    assert flow.estimates(0, flow.now)[-1] >= BACKOFF * START_BPS

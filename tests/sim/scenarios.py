"""Seeded bad networks for the estimate, and what is expected of it on each.

A link changes twice: at `CUT` to a part of its rate, at `BACK` to what it was. A `clean` one has
only its rate, its queue and its delay; a bad one loses, delays, reorders and doubles packets too,
and loses feedback.

An estimate explores the link in saw-teeth of one to three seconds, so an average counts over three
seconds and more: over one second it would say where in a tooth one has looked.
"""

from __future__ import annotations

import random
from statistics import fmean

import msgspec

from tests.sim.flow import Flow, Traffic
from tests.sim.network import Conditions

CUT, BACK, END = 8.0, 17.0, 26.0  # s
SETTLED_S = 5.0  # after a change the estimate has converged
BAND = (0.75, 1.0)  # of the link's rate, on average over what is left until the next change
SAW_TOOTH = 0.03  # by which the average of an estimate that explores the link may be above it
FALL_S, SLOW_FALL_S, SLOW_RTT_S = 0.5, 1.0, 0.1
MEASURED = 0.01  # a run's last events lie this far behind a whole step


class Scenario(msgspec.Struct, frozen=True):
    seed: int
    rtt_s: float
    rate_bps: float
    cut_bps: float
    conditions: Conditions  # without a rate
    feedback_loss: float
    traffic: Traffic

    def at(self, rate_bps: float) -> Conditions:
        return msgspec.structs.replace(self.conditions, rate_bps=rate_bps)

    def flow(self) -> Flow:
        down = [
            (0.0, self.at(self.rate_bps)),
            (CUT, self.at(self.cut_bps)),
            (BACK, self.at(self.rate_bps)),
        ]
        up = Conditions(delay_s=self.rtt_s / 2, loss=self.feedback_loss)
        return Flow(self.seed, down, [(0.0, up)], self.traffic)


class Verdict(msgspec.Struct, frozen=True):
    """Averages are parts of the link's rate."""

    at_first: float
    after_cut: float
    after_return: float
    fell_after_s: float
    fell_in_time: bool
    lowest_bps: float

    @property
    def converged(self) -> tuple[bool, bool, bool]:
        low, high = BAND
        averages = (self.at_first, self.after_cut, self.after_return)
        first, cut, back = (low <= average <= high + SAW_TOOTH for average in averages)
        return first, cut, back


def scenario(seed: int, *, clean: bool) -> Scenario:
    """One of many: 0.3 to 2.5 Mbit/s, cut to a quarter to 60 % but not below 150 kbit/s."""
    chance = random.Random(seed)
    rtt_s = chance.choice([0.02, 0.05, 0.1, 0.3])
    rate_bps = 10 ** chance.uniform(5.5, 6.4)
    cut_bps = max(rate_bps * chance.choice([0.25, 0.4, 0.6]), 150_000)
    queue_s = chance.choice([0.1, 0.2, 0.3, 0.5])
    traffic = Traffic(in_frames=chance.choice([False, True]), feedback_s=chance.choice([0.05, 0.1]))
    conditions = Conditions(queue_s=queue_s, delay_s=rtt_s / 2)
    if clean:
        return Scenario(seed, rtt_s, rate_bps, cut_bps, conditions, 0.0, traffic)
    conditions = msgspec.structs.replace(
        conditions,
        jitter_s=chance.choice([0.0, 0.005, 0.02, min(0.03, rtt_s / 2)]),
        loss=chance.choice([0.0, 0.01, 0.03]),
        reordered=chance.choice([0.0, 0.02]),
        duplicated=chance.choice([0.0, 0.01]),
    )
    feedback_loss = chance.choice([0.0, 0.03])
    return Scenario(seed, rtt_s, rate_bps, cut_bps, conditions, feedback_loss, traffic)


def judge(scene: Scenario) -> Verdict:
    """Run it, and measure."""
    flow = scene.flow()
    flow.run(END + MEASURED)
    within = FALL_S if scene.rtt_s <= SLOW_RTT_S else SLOW_FALL_S
    fell = next((at - CUT for at, bps in flow.steps if at >= CUT and bps <= scene.cut_bps), END)
    return Verdict(
        fmean(flow.estimates(SETTLED_S, CUT)) / scene.rate_bps,
        fmean(flow.estimates(CUT + SETTLED_S, BACK)) / scene.cut_bps,
        fmean(flow.estimates(BACK + SETTLED_S, END)) / scene.rate_bps,
        fell,
        fell <= within,
        min(bps for _, bps in flow.samples),
    )

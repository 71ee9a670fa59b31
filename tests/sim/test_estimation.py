"""The estimate on thousands of bad links, in virtual time: it finds the rate, falls and holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from statistics import fmean

import pytest

from sfu.core.estimation.loss import LossBound
from sfu.core.estimation.rate import MIN_BPS, START_BPS
from tests.sim.flow import Flow, Traffic
from tests.sim.network import Bursts, Conditions
from tests.sim.scenarios import Verdict, judge, scenario

FEW, MANY = range(40), range(1000)
CAMERA = Traffic(wanted_bps=2_000_000.0)
ALL = 1.0  # of the runs on clean links converge, and fall in time
NEARLY = 0.99  # of those on links that also lose, delay, reorder and lose feedback converge
FELL = 0.98  # of their falls are in time: where a feedback is lost, one comes 0.1 s later
FEW_BAD = 0.95
NEVER_BELOW, NEVER_ABOVE = 0.5, 1.1  # of the link's rate, once settled
NEVER_LATER_S = 1.0  # a fall: the promise is 0.5 s up to an RTT of 100 ms, else 1 s


def _clean(seed: int) -> Verdict:
    return judge(scenario(seed, clean=True))


def _bad(seed: int) -> Verdict:
    return judge(scenario(seed, clean=False))


def _check(verdicts: list[Verdict], converged: float, fell: float) -> None:
    for number in range(3):
        assert fmean(verdict.converged[number] for verdict in verdicts) >= converged
    assert fmean(verdict.fell_in_time for verdict in verdicts) >= fell
    assert max(verdict.fell_after_s for verdict in verdicts) <= NEVER_LATER_S
    for verdict in verdicts:
        averages = (verdict.at_first, verdict.after_cut, verdict.after_return)
        assert min(averages) >= NEVER_BELOW
        assert max(averages) <= NEVER_ABOVE
        assert verdict.lowest_bps >= MIN_BPS


def _in_two_processes(run: Callable[[int], Verdict], seeds: Iterable[int]) -> list[Verdict]:
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(run, seeds, chunksize=20))


def test_on_clean_links_the_estimate_finds_the_rate_and_falls_at_once() -> None:
    _check([_clean(seed) for seed in FEW], ALL, ALL)


def test_on_bad_links_the_estimate_finds_the_rate_and_falls_at_once() -> None:
    _check([_bad(seed) for seed in FEW], FEW_BAD, FEW_BAD)


@pytest.mark.prove
def test_on_a_thousand_clean_links_the_estimate_finds_the_rate_and_falls_at_once() -> None:
    _check(_in_two_processes(_clean, MANY), ALL, ALL)


@pytest.mark.prove
def test_on_a_thousand_bad_links_the_estimate_finds_the_rate_and_falls_at_once() -> None:
    _check(_in_two_processes(_bad, MANY), NEARLY, FELL)


def _run(seed: int, conditions: Conditions, traffic: Traffic = CAMERA, end: float = 12.0) -> Flow:
    flow = Flow(seed, [(0.0, conditions)], traffic=traffic)
    flow.run(end)
    return flow


@pytest.mark.parametrize("loss", [0.01, 0.03, 0.05])
def test_random_loss_without_a_limit_does_not_lower_the_estimate(loss: float) -> None:
    for seed in range(10):
        flow = _run(seed, Conditions(loss=loss))
        assert min(flow.estimates(0, 12)) >= 0.8 * START_BPS
        assert fmean(flow.estimates(8, 12)) >= CAMERA.wanted_bps


def test_a_path_that_loses_a_fifth_at_any_rate_does_not_end_at_no_video() -> None:
    for seed in range(10):
        flow = _run(seed, Conditions(loss=0.2), end=20.0)
        assert min(flow.estimates(0, 20)) >= 0.3 * START_BPS
        assert fmean(flow.estimates(15, 20)) >= START_BPS


@pytest.mark.parametrize(
    "conditions",
    [
        Conditions(jitter_s=0.03),
        Conditions(reordered=0.1),
        Conditions(reordered=0.3, reordered_by_s=0.08, duplicated=0.1),
        Conditions(jitter_s=0.02, reordered=0.05, loss=0.01, delay_s=0.15),
    ],
)
def test_jitter_and_reordering_do_not_collapse_the_estimate(conditions: Conditions) -> None:
    for seed in range(10):
        flow = _run(seed, conditions)
        assert min(flow.estimates(3, 12)) >= 0.35 * CAMERA.wanted_bps
        assert fmean(flow.estimates(8, 12)) >= 0.5 * CAMERA.wanted_bps


def test_bursts_of_loss_do_not_collapse_the_estimate() -> None:
    for seed in range(10):
        flow = _run(seed, Conditions(bursts=Bursts(0.005, 0.2)))
        assert fmean(flow.estimates(8, 12)) >= 0.6 * CAMERA.wanted_bps


def shallow_links_are_not_flooded(seeds: Iterable[int]) -> None:
    """A policer has no queue that would tell: loss alone must bound the rate."""
    for seed in seeds:
        rate_bps = 400_000.0 + 200_000 * (seed % 8)
        flow = _run(seed, Conditions(rate_bps=rate_bps, queue_s=0.02))
        assert fmean(flow.estimates(6, 12)) <= 1.2 * rate_bps
        assert fmean(flow.estimates(6, 12)) >= 0.6 * rate_bps


def test_loss_bounds_the_rate_where_there_is_no_queue() -> None:
    shallow_links_are_not_flooded(range(8))


def test_an_estimator_that_ignores_loss_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LossBound, "fall", lambda *_: 1.0)
    monkeypatch.setattr(LossBound, "excess", 0.0)
    with pytest.raises(AssertionError):
        shallow_links_are_not_flooded(range(8))


def test_a_link_that_dies_and_returns_is_used_again() -> None:
    for seed in range(5):
        dead = Conditions(loss=1.0)
        changes = [(0.0, Conditions()), (5.0, dead), (8.0, Conditions())]
        flow = Flow(seed, changes, traffic=CAMERA)
        flow.run(16.0)
        assert MIN_BPS <= flow.estimates(7.9, 8)[0] <= 0.35 * CAMERA.wanted_bps
        assert fmean(flow.estimates(13, 16)) >= 0.75 * CAMERA.wanted_bps


def test_without_a_wish_for_more_no_probe_is_sent() -> None:
    flow = _run(1, Conditions(), Traffic(wanted_bps=300_000.0))
    assert flow.probes == 0


def test_what_is_not_sent_is_not_promised() -> None:
    """An estimate may not grow far beyond what was seen to arrive."""
    flow = _run(1, Conditions(), Traffic(wanted_bps=400_000.0), end=30.0)
    assert max(flow.estimates(0, 30)) <= START_BPS

"""How calls were reaches the clinic in batches: once, in order, beside the calls, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from signaling.ports import QualityNote, QualityPoint, Unavailable
from signaling.shell import timeline
from signaling.shell.clock import steady_clock
from signaling.shell.timeline import Timeline
from tests.signaling.shell.clinic import DEADLINE_S
from tests.signaling.shell.desk import Desk

ROOM = "visit-1"


class Keeper(Desk):
    """Fails as often as it is told."""

    def __init__(self) -> None:
        super().__init__(steady_clock(), {ROOM})
        self.failures: list[Exception] = []
        self.tried: list[str] = []

    async def note_quality(self, batch: str, notes: tuple[QualityNote, ...]) -> None:
        self.tried.append(batch)
        if self.failures:
            raise self.failures.pop()
        await super().note_quality(batch, notes)

    def kept(self) -> list[int]:
        return [note.said.at_ms for _, notes in self.quality for note in notes]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "GATHER_S", 0.02)
    monkeypatch.setattr(timeline, "PAUSES_S", (0.01,))
    monkeypatch.setattr(timeline, "LAST_WORDS_S", 0.2)


@pytest.fixture
async def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
async def line(keeper: Keeper) -> AsyncIterator[Timeline]:
    made = Timeline(keeper, steady_clock())
    yield made
    await made.close()


def note(at_ms: int) -> QualityNote:
    return QualityNote(ROOM, "subject", QualityPoint(at_ms=at_ms, until_ms=at_ms + 1))


async def kept(keeper: Keeper, count: int) -> list[int]:
    async with asyncio.timeout(DEADLINE_S):
        while len(keeper.kept()) < count:
            await asyncio.sleep(0.005)
    return keeper.kept()


async def test_what_comes_together_is_one_batch(keeper: Keeper, line: Timeline) -> None:
    for at in range(5):
        line.put(note(at))
    assert await kept(keeper, 5) == list(range(5))
    line.put(note(5))
    assert await kept(keeper, 6) == list(range(6))
    assert [len(notes) for _, notes in keeper.quality] == [5, 1]
    assert len({batch for batch, _ in keeper.quality}) == 2


async def test_many_words_are_several_batches(
    keeper: Keeper, line: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "MAX_BATCH", 4)
    for at in range(10):
        line.put(note(at))
    assert await kept(keeper, 10) == list(range(10))
    assert [len(notes) for _, notes in keeper.quality] == [4, 4, 2]


async def test_a_clinic_that_is_away_is_told_the_same_batch_again(
    keeper: Keeper, line: Timeline
) -> None:
    keeper.failures = [Unavailable(), Unavailable()]
    line.put(note(0))
    line.put(note(1))
    assert await kept(keeper, 2) == [0, 1]
    assert len(keeper.tried) == 3
    assert len(set(keeper.tried)) == 1


async def test_a_batch_that_the_clinic_fails_on_is_passed_over(
    keeper: Keeper, line: Timeline
) -> None:
    keeper.failures = [RuntimeError("bug")]
    with capture_logs() as lines:
        line.put(note(0))
        async with asyncio.timeout(DEADLINE_S):
            while not keeper.tried:
                await asyncio.sleep(0.005)
        line.put(note(1))
        assert await kept(keeper, 1) == [1]
    assert [one["event"] for one in lines] == ["quality not kept"]


async def test_of_too_many_words_the_oldest_are_given_up_and_counted(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "MAX_WAITING", 3)
    line = Timeline(keeper, steady_clock())
    with capture_logs() as lines:
        for at in range(5):
            line.put(note(at))
        assert await kept(keeper, 3) == [2, 3, 4]
    assert [(one["event"], one["count"]) for one in lines] == [("quality given up", 2)]
    await line.close()


async def test_what_waits_is_kept_at_the_end(
    keeper: Keeper, line: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "GATHER_S", 60.0)
    line.put(note(0))
    await line.close()
    assert keeper.kept() == [0]


async def test_the_end_does_not_wait_for_a_clinic_that_is_away_for_long(
    keeper: Keeper, line: Timeline
) -> None:
    keeper.answers.clear()
    line.put(note(0))
    line.put(note(1))
    async with asyncio.timeout(DEADLINE_S):
        await line.close()
    assert keeper.kept() == []

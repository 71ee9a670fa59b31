"""Which participant is in which slot of a subscriber.

A participant keeps its slot as long as it is there; newcomers take the lowest free one; who finds
none waits until the client offers more slots. The screen slot shows the screen that started last.
A viewer that follows (see `api.Follow`) has one slot, which moves between the others by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sfu.core.forwarder.model import Publisher, Slot, Subscriber, Track

HELD_S = 2.0  # a speaker who speaks on is followed for so long before a louder one is


def assign(
    subscriber: Subscriber,
    publishers: Iterable[Publisher],
    speakers: Sequence[str] = (),
    now: float = 0.0,
) -> list[Slot]:
    """Give slots to participants (`speakers` loudest first); the slots that changed hands."""
    others = [p for p in publishers if p.peer != subscriber.peer and p.tracks]
    wishes = (
        _pairs([s for s in subscriber.slots if not s.screen], [p.peer for p in others])
        if subscriber.follow is None
        else _followed(subscriber, others, speakers, now)
    )
    screen = next((slot for slot in subscriber.slots if slot.screen), None)
    if screen is not None:
        wishes.append((screen, _newest_screen(others)))
    changed = [slot for slot, peer in wishes if slot.publisher != peer]
    for slot, peer in wishes:
        if slot.publisher != peer:
            _move(slot, peer, now, asks=subscriber.follow is None)
    return changed


def _pairs(slots: list[Slot], peers: list[str]) -> list[tuple[Slot, str | None]]:
    seated = {slot.publisher for slot in slots if slot.publisher in peers}
    newcomers = iter([peer for peer in peers if peer not in seated])
    return [
        (slot, slot.publisher if slot.publisher in seated else next(newcomers, None))
        for slot in slots
    ]


def _followed(
    subscriber: Subscriber, others: list[Publisher], speakers: Sequence[str], now: float
) -> list[tuple[Slot, str | None]]:
    assert subscriber.follow is not None
    wanted = subscriber.follow.participant
    foreign = [p.peer for p in others if not p.owner or p.owner != subscriber.owner]
    heard = [peer for peer in speakers if peer in foreign]
    wishes: list[tuple[Slot, str | None]] = []
    for slot in subscriber.slots:
        if wanted is not None:
            wishes.append((slot, wanted if wanted in foreign else None))
        else:
            wishes.append((slot, _speaker(slot, foreign, heard, now)))
    return wishes


def _speaker(slot: Slot, foreign: list[str], heard: list[str], now: float) -> str | None:
    """The loudest; in silence the last one; before anybody spoke the first to publish."""
    current = slot.publisher if slot.publisher in foreign else None
    if not heard:
        return current or next(iter(foreign), None)
    if current in heard and now - slot.assigned_at < HELD_S:
        return current
    return heard[0]


def _newest_screen(publishers: list[Publisher]) -> str | None:
    screens = [
        (track.started_at, p.peer)
        for p in publishers
        if (track := screen_track(p)) is not None and track.sources and not track.muted
    ]
    return max(screens)[1] if screens else None


def screen_track(publisher: Publisher) -> Track | None:
    return next((t for t in publisher.tracks.values() if t.role == "screen"), None)


def video_track(slot: Slot, publisher: Publisher) -> Track | None:
    """What the slot shows of its participant."""
    if slot.screen:
        return screen_track(publisher)
    return next((t for t in publisher.tracks.values() if t.role == "camera"), None)


def _move(slot: Slot, peer: str | None, now: float, *, asks: bool) -> None:
    """Where a name stands at the picture, the client hides the old one before anything of the new
    one is sent.
    """
    slot.ready = slot.epoch == 0 or not asks
    slot.publisher = peer
    slot.assigned_at = now
    slot.epoch += 1
    slot.switched_at = None
    slot.codec_missing = ""

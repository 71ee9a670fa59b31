"""Which participant is in which slot of a subscriber.

A participant keeps its slot as long as it is there; newcomers take the lowest free one; who finds
none waits until the client offers more slots. The screen slot shows the screen that started last.
"""

from __future__ import annotations

from collections.abc import Iterable

from sfu.core.forwarder.model import Publisher, Slot, Subscriber, Track


def assign(subscriber: Subscriber, publishers: Iterable[Publisher]) -> list[Slot]:
    """Give slots to participants; the slots whose participant changed."""
    others = [p for p in publishers if p.peer != subscriber.peer and p.tracks]
    wishes = _pairs([s for s in subscriber.slots if not s.screen], [p.peer for p in others])
    screen = next((slot for slot in subscriber.slots if slot.screen), None)
    if screen is not None:
        wishes.append((screen, _newest_screen(others)))
    changed = [slot for slot, peer in wishes if slot.publisher != peer]
    for slot, peer in wishes:
        if slot.publisher != peer:
            _move(slot, peer)
    return changed


def _pairs(slots: list[Slot], peers: list[str]) -> list[tuple[Slot, str | None]]:
    seated = {slot.publisher for slot in slots if slot.publisher in peers}
    newcomers = iter([peer for peer in peers if peer not in seated])
    return [
        (slot, slot.publisher if slot.publisher in seated else next(newcomers, None))
        for slot in slots
    ]


def _newest_screen(publishers: list[Publisher]) -> str | None:
    screens = [
        (track.started_at, p.peer)
        for p in publishers
        if (track := screen_track(p)) is not None and track.sources and not track.muted
    ]
    return max(screens)[1] if screens else None


def screen_track(publisher: Publisher) -> Track | None:
    return next((t for t in publisher.tracks.values() if t.role == "screen"), None)


def _move(slot: Slot, peer: str | None) -> None:
    """The old picture must be hidden by the client before anything of the new one is sent."""
    slot.ready = slot.epoch == 0
    slot.publisher = peer
    slot.epoch += 1
    slot.switched_at = None
    slot.codec_missing = ""

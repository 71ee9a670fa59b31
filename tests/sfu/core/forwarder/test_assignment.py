"""Who is in which slot."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.core.estimation.estimator import Estimator
from sfu.core.forwarder.assignment import assign
from sfu.core.forwarder.model import Publisher, Slot, Subscriber
from tests.sfu.core.forwarder.packets import add_source, publisher, section


def person(name: str) -> Publisher:
    return publisher(section("0", "microphone"), section("1", "camera"), peer=name)


def sharing(name: str, since: float | None) -> Publisher:
    found = publisher(section("1", "camera"), section("2", "screen"), peer=name)
    if since is not None:
        track = found.tracks["2"]
        add_source(track)
        track.started_at = since
    return found


def watcher(slots: int = 3, *, screen: bool = False) -> Subscriber:
    found = [Slot(index, False) for index in range(slots)]
    shown = [*found, Slot(slots, True)] if screen else found
    return Subscriber("alice", "room", Estimator(0.0), shown)


def shown(alice: Subscriber) -> list[str | None]:
    return [slot.publisher for slot in alice.slots]


def test_people_take_the_lowest_free_slots_in_the_order_they_came() -> None:
    alice = watcher()
    changed = assign(alice, [person("alice"), person("bob"), person("carol")])
    assert shown(alice) == ["bob", "carol", None], "not oneself"
    assert [slot.index for slot in changed] == [0, 1]
    assert assign(alice, [person("alice"), person("bob"), person("carol")]) == []


def test_who_stays_keeps_the_slot() -> None:
    alice = watcher()
    assign(alice, [person("bob"), person("carol")])
    assign(alice, [person("carol")])
    assert shown(alice) == [None, "carol", None]
    assign(alice, [person("carol"), person("dora")])
    assert shown(alice) == ["dora", "carol", None]


def test_who_finds_no_slot_waits_for_one() -> None:
    alice = watcher(1)
    assign(alice, [person("bob"), person("carol")])
    assert shown(alice) == ["bob"]
    alice.slots.append(Slot(1, False))
    assign(alice, [person("bob"), person("carol")])
    assert shown(alice) == ["bob", "carol"]


def test_who_publishes_nothing_takes_no_slot() -> None:
    alice = watcher()
    assign(alice, [Publisher("carol", "room"), person("bob")])
    assert shown(alice) == ["bob", None, None]


def test_only_a_slots_first_participant_is_shown_without_asking() -> None:
    alice = watcher(1)
    assign(alice, [person("bob")])
    assert (alice.slots[0].ready, alice.slots[0].epoch) == (True, 1)
    assign(alice, [])
    assign(alice, [person("carol")])
    assert (alice.slots[0].ready, alice.slots[0].epoch) == (False, 3)


def test_the_screen_slot_shows_the_screen_that_began_last() -> None:
    alice = watcher(1, screen=True)
    assign(alice, [sharing("bob", 5.0), sharing("carol", 9.0)])
    assert shown(alice)[1] == "carol"
    assign(alice, [sharing("bob", 12.0), sharing("carol", 9.0)])
    assert shown(alice)[1] == "bob"
    assign(alice, [sharing("bob", None), sharing("carol", None)])
    assert shown(alice)[1] is None


def test_the_screen_slot_goes_back_to_an_older_screen_when_the_newer_one_is_held_back() -> None:
    alice = watcher(1, screen=True)
    bob, carol = sharing("bob", 5.0), sharing("carol", 9.0)
    assign(alice, [bob, carol])
    carol.tracks["2"].muted = True
    assign(alice, [bob, carol])
    assert shown(alice)[1] == "bob"
    bob.tracks["2"].muted = True
    assign(alice, [bob, carol])
    assert shown(alice)[1] is None


names = st.lists(st.sampled_from("bcdefg"), unique=True, max_size=6)


@given(st.lists(names, max_size=12), st.integers(1, 4))
def test_nobody_is_shown_twice_and_nobody_moves(rooms: list[list[str]], slots: int) -> None:
    alice = watcher(slots)
    for room in rooms:
        before = shown(alice)
        changed = assign(alice, [person(name) for name in room])
        after = shown(alice)
        seated = [name for name in after if name]
        assert len(seated) == len(set(seated)) == min(slots, len(room))
        assert set(seated) <= set(room)
        stayed = [(a, b) for a, b in zip(before, after, strict=True) if a in room]
        assert all(a == b for a, b in stayed)
        moved = [slot.index for slot in changed]
        assert moved == [i for i in range(slots) if before[i] != after[i]]

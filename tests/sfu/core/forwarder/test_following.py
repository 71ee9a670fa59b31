"""Whom a viewer without signalling is shown: a named participant, or whoever speaks."""

from __future__ import annotations

import pytest

from sfu.api import Follow
from sfu.core.estimation.estimator import Estimator
from sfu.core.forwarder.assignment import HELD_S, assign
from sfu.core.forwarder.model import Publisher, Slot, Subscriber
from tests.sfu.core.forwarder.packets import publisher, section


def person(name: str, owner: str = "") -> Publisher:
    found = publisher(section("0", "microphone"), section("1", "camera"), peer=name)
    found.owner = owner
    return found


def screen_on_the_wall(participant: str | None = None, owner: str = "") -> Subscriber:
    slots = [Slot(0, False)]
    follow = Follow(participant)
    return Subscriber("wall", "room", Estimator(0.0), slots, owner=owner, follow=follow)


ROOM = [person("alice"), person("bob"), person("carol")]


def test_before_anybody_spoke_the_first_to_publish_is_shown() -> None:
    wall = screen_on_the_wall()
    assign(wall, ROOM, (), 0.0)
    assert wall.slots[0].publisher == "alice"


def test_the_loudest_is_shown_and_stays_when_all_fall_silent() -> None:
    wall = screen_on_the_wall()
    assign(wall, ROOM, ("carol", "bob"), 0.0)
    assert wall.slots[0].publisher == "carol"
    assign(wall, ROOM, (), 10.0)
    assert wall.slots[0].publisher == "carol"


def test_two_who_speak_at_once_do_not_flicker() -> None:
    wall = screen_on_the_wall()
    assign(wall, ROOM, ("carol",), 0.0)
    assign(wall, ROOM, ("bob", "carol"), HELD_S / 2)
    assert wall.slots[0].publisher == "carol"
    assign(wall, ROOM, ("bob", "carol"), HELD_S + 0.1)
    assert wall.slots[0].publisher == "bob"


def test_who_falls_silent_is_left_at_once_for_who_speaks() -> None:
    wall = screen_on_the_wall()
    assign(wall, ROOM, ("carol",), 0.0)
    assign(wall, ROOM, ("bob",), 0.1)
    assert wall.slots[0].publisher == "bob"


def test_a_named_participant_is_shown_whoever_speaks_and_nobody_in_their_absence() -> None:
    wall = screen_on_the_wall("bob")
    assign(wall, ROOM, ("carol",), 0.0)
    assert wall.slots[0].publisher == "bob"
    assign(wall, [person("carol")], ("carol",), 1.0)
    assert wall.slots[0].publisher is None


@pytest.mark.parametrize("participant", [None, "cart"])
def test_a_device_never_sees_its_own_camera(participant: str | None) -> None:
    wall = screen_on_the_wall(participant, owner="device-1")
    assign(wall, [person("cart", "device-1")], ("cart",), 0.0)
    assert wall.slots[0].publisher is None


def test_another_owners_camera_is_shown() -> None:
    wall = screen_on_the_wall(owner="device-1")
    assign(wall, [person("cart", "device-1"), person("bob", "doctor")], ("cart",), 0.0)
    assert wall.slots[0].publisher == "bob"


def test_no_name_stands_at_the_picture_so_nobody_is_asked_to_hide_it() -> None:
    wall = screen_on_the_wall()
    assign(wall, ROOM, ("carol",), 0.0)
    assign(wall, ROOM, ("bob",), 0.1)
    assert wall.slots[0].ready

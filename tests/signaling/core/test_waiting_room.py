"""Who waits sees nothing and reaches nobody."""

from __future__ import annotations

import pytest

from signaling.core import messages as m
from signaling.core import outputs as o
from signaling.core.closing import Closing
from signaling.core.rights import Rights
from signaling.core.room import RULES
from tests.signaling.core.scene import DOCTOR, PATIENT, Scene

KEY = "0123456789abcdef"
MESSAGES: dict[type[m.Message], m.ClientMessage] = {
    m.Offer: m.Offer(1, "sdp", {"camera": "0"}, ()),
    m.View: m.View((m.ViewedSlot(0, 10, 10),)),
    m.SlotReady: m.SlotReady(0, 1),
    m.Media: m.Media(microphone=True, camera=True, screen=False),
    m.Active: m.Active("background"),
    m.Experience: m.Experience("ok", "ok", sound_blocked=False, slots=()),
    m.RenewIce: m.RenewIce(),
    m.Chat: m.Chat(5, KEY, "hello"),
    m.Admit: m.Admit(5, "p-alice"),
    m.Deny: m.Deny(5, "p-bob"),
    m.Mute: m.Mute(5, "p-bob", "camera"),
    m.Remove: m.Remove(5, "p-bob"),
    m.Lock: m.Lock(5, locked=True),
    m.End: m.End(5),
}


def test_the_messages_of_this_test_are_all_that_there_are() -> None:
    assert set(MESSAGES) == set(RULES) - {m.Ping, m.Leave}


@pytest.mark.parametrize("message", list(MESSAGES.values()), ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("rights", [PATIENT, DOCTOR])
def test_a_waiting_person_is_refused(message: m.ClientMessage, rights: Rights) -> None:
    scene = Scene()
    scene.doctor()
    scene.hello("alice", rights, waits=True)
    scene.clear()
    outputs = scene.say("alice", message)
    assert [type(output) for output in outputs] == [o.Send]
    assert scene.refusals("alice") == ["not_admitted"]


@pytest.mark.parametrize("message", list(MESSAGES.values()), ids=lambda one: type(one).__name__)
def test_rights_are_asked_for(message: m.ClientMessage) -> None:
    scene = Scene()
    scene.doctor()
    scene.hello("charlie", Rights(), waits=False)
    scene.clear()
    scene.say("charlie", message)
    assert scene.refusals("charlie") == ["not_allowed"]
    assert {type(output) for output in scene.outputs} == {o.Send}


def test_a_waiting_person_hears_only_welcome() -> None:
    scene = Scene()
    scene.doctor()
    scene.patient()
    scene.say("bob", m.Media(microphone=True, camera=True, screen=False))
    scene.say("bob", m.Lock(1, locked=True))
    sent = [one.message for one in scene.of(o.Send) if one.connection == "c-alice"]
    assert [type(message) for message in sent] == [m.Welcome]


def test_only_moderators_see_who_waits() -> None:
    scene = Scene()
    scene.visit()
    scene.patient("carol")
    assert [one.name for one in scene.heard("bob", m.Room)[-1].waiting] == ["Name of carol"]
    assert scene.heard("alice", m.Room)[-1].waiting == ()


def test_admission_is_on_disk_before_anybody_hears_of_it() -> None:
    scene = Scene()
    scene.doctor()
    scene.patient()
    outputs = scene.say("bob", m.Admit(9, "p-alice"))
    saved = next(i for i, one in enumerate(outputs) if isinstance(one, o.SaveSeat))
    sent = next(i for i, one in enumerate(outputs) if isinstance(one, o.Send))
    assert saved < sent
    assert scene.heard("bob", m.Done) == [m.Done(9)]


def test_a_locked_room_keeps_those_who_wait_and_admits_them() -> None:
    scene = Scene()
    scene.doctor()
    scene.patient()
    scene.say("bob", m.Lock(1, locked=True))
    scene.hello("charlie", PATIENT, waits=False)
    assert scene.closing("c-charlie") is Closing.LOCKED
    scene.hello("carol", DOCTOR, waits=False)
    assert scene.closing("c-carol") is None
    scene.say("bob", m.Admit(2, "p-alice"))
    assert scene.heard("alice", m.Admitted)


def test_removing_somebody_closes_every_seat_of_the_subject() -> None:
    scene = Scene()
    scene.visit()
    scene.hello("alice", PATIENT, waits=True, connection="c-phone", participant="p-phone")
    scene.say("bob", m.Remove(3, "p-alice"))
    assert scene.closing("c-alice") is Closing.REMOVED
    assert scene.closing("c-phone") is Closing.DENIED
    assert scene.of(o.ClosePeer) == [o.ClosePeer("p-alice")]
    scene.hello("alice", PATIENT, waits=True, connection="c-again")
    assert scene.closing("c-again") in (Closing.REMOVED, Closing.DENIED)


def test_a_removed_person_is_still_out_after_a_restart() -> None:
    scene = Scene()
    scene.visit()
    scene.say("bob", m.Remove(3, "p-alice"))
    scene.restart()
    scene.hello("alice", PATIENT, waits=True)
    assert scene.closing("c-alice") is Closing.REMOVED
    scene.resume("alice", "c-key")
    assert scene.closing("c-key") is Closing.REMOVED


def test_moderators_do_not_remove_themselves() -> None:
    scene = Scene()
    scene.doctor()
    scene.say("bob", m.Remove(3, "p-bob"))
    assert scene.refusals("bob") == ["not_allowed"]


def test_one_person_cannot_fill_the_waiting_room() -> None:
    scene = Scene()
    for number in range(scene.settings.max_seats_each + 1):
        name = str(number)
        scene.hello("alice", PATIENT, waits=True, connection=f"c-{name}", participant=f"p-{name}")
    assert scene.closing("c-3") is None
    assert scene.closing("c-4") is Closing.ROOM_FULL

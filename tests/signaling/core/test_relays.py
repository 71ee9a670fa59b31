"""TURN servers go to those who are in the call and have media, with credentials of their own."""

from __future__ import annotations

import msgspec
import pytest

from sfu.core.turn import credentials
from signaling.core import messages as m
from signaling.core.rights import Rights
from signaling.core.settings import RelaySettings, RoomSettings
from tests.signaling.core.scene import Scene

URL = "turns:clinic.example:443?transport=tcp"
SECRET = b"shared with the relay"


@pytest.fixture
def scene() -> Scene:
    return Scene(RoomSettings(relay=RelaySettings((URL,), SECRET)))


def test_whoever_waits_has_no_servers_until_they_are_let_in(scene: Scene) -> None:
    scene.doctor()
    scene.patient()
    (welcome,) = scene.heard("alice", m.Welcome)
    assert welcome.ice_servers == ()
    scene.say("bob", m.Admit(1, "p-alice"))
    (admitted,) = scene.heard("alice", m.Admitted)
    assert [server.urls for server in admitted.ice_servers] == [(URL,)]


def test_our_own_relay_takes_the_credentials_for_five_minutes(scene: Scene) -> None:
    scene.doctor()
    (server,) = scene.heard("bob", m.Welcome)[0].ice_servers
    assert server.credential == credentials.password_of(SECRET, server.username)
    holder = credentials.read_username(server.username)
    assert holder is not None
    assert holder.until == scene.now + credentials.LONGEST_S


def test_the_name_says_nothing_of_the_person_and_is_the_same_each_time(scene: Scene) -> None:
    scene.visit()
    for _ in range(2):
        scene.say("alice", m.RenewIce())
        scene.say("bob", m.RenewIce())
        scene.wait(1.0)
    asked = [scene.heard(who, m.IceServers)[-1].ice_servers[0] for who in ("alice", "bob")]
    names = {server.username.partition(":")[2] for server in asked}
    assert len(names) == 2
    assert "alice" not in "".join(names)
    again = scene.heard("alice", m.IceServers)[0].ice_servers[0]
    assert again.username.partition(":")[2] == asked[0].username.partition(":")[2]


def test_who_neither_sends_nor_sees_media_gets_none(scene: Scene) -> None:
    scene.doctor()
    scene.hello("charlie", Rights(chat=True), waits=False)
    assert scene.heard("charlie", m.Welcome)[0].ice_servers == ()
    scene.say("charlie", m.RenewIce())
    assert scene.refusals("charlie") == ["not_allowed"]


def test_without_a_relay_there_is_nothing_to_tell() -> None:
    scene = Scene()
    scene.doctor()
    assert msgspec.to_builtins(scene.heard("bob", m.Welcome)[0])["ice_servers"] == ()

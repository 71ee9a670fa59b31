"""Whatever happens in a room, somebody who waits learns no name, no track and no other person."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling import ports
from signaling.core import messages as m
from signaling.core import outputs as o
from signaling.core import wire
from signaling.core.rights import Rights
from tests.hostile import examples
from tests.signaling.core.scene import DOCTOR, PATIENT, ROOM, Scene

CAST = ("bob", "alice", "carol", "charlie")
KEY = "0123456789abcdef"
people = st.sampled_from([f"p-{who}" for who in CAST] + ["p-nobody"])
slots = st.integers(0, 2)
epochs = st.integers(0, 3)
sources: st.SearchStrategy[m.Source] = st.sampled_from(("microphone", "camera", "screen"))
requests = st.integers(0, 9)

messages: st.SearchStrategy[m.ClientMessage] = st.one_of(
    st.builds(m.Offer, requests, st.just("sdp"), st.just({"camera": "1"}), st.just(())),
    st.just(m.View((m.ViewedSlot(0, 100, 100),))),
    st.builds(m.SlotReady, slots, epochs),
    st.builds(m.Media, st.booleans(), st.booleans(), st.booleans()),
    st.just(m.Ping()),
    st.builds(m.Chat, requests, st.just(KEY), st.just("secret words")),
    st.builds(m.Admit, requests, people),
    st.builds(m.Deny, requests, people),
    st.builds(m.Mute, requests, people, sources),
    st.builds(m.Remove, requests, people),
    st.builds(m.Lock, requests, st.booleans()),
    st.builds(m.Leave, requests),
    st.just(m.Hello(1, seat=KEY)),
)
events: st.SearchStrategy[ports.MediaEvent] = st.one_of(
    st.builds(ports.PeerConnected, st.just(ROOM), people),
    st.builds(ports.PeerLost, st.just(ROOM), people, st.sampled_from(("closed", "path"))),
    st.just(ports.PlaneLost((ROOM,))),
    st.builds(
        ports.SlotAssigned, st.just(ROOM), people, slots, people, epochs, st.booleans(), st.just("")
    ),
    st.builds(ports.SlotSwitched, st.just(ROOM), people, slots, epochs, st.just(7)),
    st.builds(ports.Speakers, st.just(ROOM), st.tuples(people, people)),
    st.builds(
        ports.Quality,
        st.just(ROOM),
        people,
        st.floats(0, 1),
        st.floats(0, 1),
        st.just(20.0),
        st.booleans(),
        st.sampled_from(("full", "reduced", "off")),
    ),
)
steps = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(CAST), messages),
    st.tuples(st.just("event"), events),
    st.tuples(st.just("hello"), st.sampled_from(CAST)),
    st.tuples(st.just("lose"), st.sampled_from(CAST)),
    st.tuples(st.just("resume"), st.sampled_from(CAST)),
    st.tuples(st.just("wait"), st.floats(0, 100)),
    st.tuples(st.just("restart")),
)
ENTRIES: dict[str, tuple[Rights, bool]] = {
    "bob": (DOCTOR, False),
    "alice": (PATIENT, True),
    "carol": (Rights(subscribe=True), False),
    "charlie": (DOCTOR, True),  # even a moderator waits if the token says so
}


class Witness:
    """Follows which connection waits, and reads all that is sent to it."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()

    def read(self, output: o.Output) -> None:
        if not isinstance(output, o.Send):
            assert not isinstance(output, o.SendHistory) or output.connection not in self.waiting
            return
        message = output.message
        if isinstance(message, m.Welcome):
            self._welcome(output.connection, message)
        elif isinstance(message, m.Admitted):
            self.waiting.discard(output.connection)
        elif output.connection in self.waiting:
            self._harmless(message)

    def _welcome(self, connection: str, message: m.Welcome) -> None:
        if message.state == "waiting":
            self.waiting.add(connection)
            assert not message.media
        else:
            self.waiting.discard(connection)

    def _harmless(self, message: m.ServerMessage) -> None:
        assert isinstance(message, m.Pong | m.Done | m.Error), message
        text = wire.encode(message).decode()
        assert "Name of" not in text
        assert "p-" not in text
        assert "secret" not in text


def play(scene: Scene, step: tuple[object, ...]) -> None:
    match step:
        case ("say", str(who), message):
            scene.say(who, message)  # type: ignore[arg-type]
        case ("event", event):
            scene.room.receive_media_event(event, scene.now)  # type: ignore[arg-type]
        case ("hello", str(who)):
            scene.room.receive_disconnect(f"c-{who}", scene.now)
            rights, waits = ENTRIES[who]
            scene.hello(who, rights, waits)
        case ("lose", str(who)):
            scene.lose(who)
        case ("resume", str(who)) if f"p-{who}" in scene.disk:
            scene.room.receive_disconnect(f"c-{who}", scene.now)
            scene.resume(who)
        case ("wait", float(seconds)):
            scene.wait(seconds)
        case ("restart",):
            scene.restart(frozenset({"p-bob", "p-alice"}))
    scene.drain()


def answer_all(scene: Scene) -> None:
    """Do what the shell would do."""
    for output in list(scene.outputs):
        if isinstance(output, o.AppendChat):
            entry = ports.ChatEntry("1", output.participant, output.name, output.text, output.at)
            scene.room.receive_chat_stored(output, entry)
        elif isinstance(output, o.ConnectMedia):
            scene.room.receive_answer(
                output.participant, output.connection, output.offer_id, "p-", scene.now
            )
    scene.drain()


@examples(300)
@given(st.lists(steps, max_size=40))
def test_who_waits_learns_nothing_and_nothing_breaks(script: list[tuple[object, ...]]) -> None:
    scene, witness = Scene(), Witness()
    scene.doctor()
    scene.hello("charlie", DOCTOR, waits=True)
    for step in script:
        play(scene, step)
        answer_all(scene)
        for output in scene.outputs:
            witness.read(output)
        scene.clear()
    scene.wait(30)
    scene.wait(90)
    assert scene.room.is_vacant, "ghosts: nobody was heard of for two minutes"

"""Whatever happens upstream, an outgoing stream looks like one stream of one sender."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.core.rtp import header, rtcp, vp8
from sfu.core.rtp.serial import TIMESTAMP_BITS, Unwrapper
from tests.sim.world import Person, Sender, World, vp8_payload

AUDIO, VIDEO, RTX = 1000, 1001, 1002

FATES = st.sampled_from(["arrives", "arrives", "arrives", "late", "lost"])
SOURCES = st.integers(0, 3)
SENDING = st.tuples(st.sampled_from(["send", "send", "send", "key", "empty"]), SOURCES, FATES)
REPAIRING = st.tuples(st.sampled_from(["late", "repair", "nack"]), st.integers(0, 20), st.just(""))
CHANGING = st.one_of(
    st.tuples(st.just("frame"), st.booleans(), st.just("")),
    st.tuples(st.just("gap"), SOURCES, st.sampled_from([1, 3, 40, 120, 600, 30_000])),
    st.tuples(st.just("view"), st.sampled_from([0, 180, 360, 720]), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from([5, 40, 250, 1200]), st.just("")),
    st.tuples(st.just("leave"), st.integers(0, 1), st.just("")),
)
STEPS = st.lists(st.one_of(SENDING, SENDING, REPAIRING, CHANGING), min_size=30, max_size=80)


class Story:
    """Alice watches one slot; Bob (three layers) and Carol (one) come and go."""

    def __init__(self) -> None:
        self.world = World()
        self.alice = self.world.join("alice", publish=False, slots=1)
        self.people: list[Person] = []
        self.held: list[tuple[Person, bytes]] = []
        self.count = 0
        for layers in (3, 1):
            self._come(layers)
        self.film(key=True)

    def _come(self, layers: int) -> None:
        self.count += 1
        person = self.world.join(f"person{self.count}", layers=layers)
        for number, sender in enumerate(person.senders.values()):
            sender.picture_id = 1000 * self.count + 300 * number
            sender.seq = (7919 * self.count + 20_000 * number) & 0xFFFF
        self.people.append(person)
        self._show()

    def film(self, *, key: bool) -> None:
        for person in self.people:
            for name, sender in person.senders.items():
                if name != "audio":
                    sender.send(key=key)
        self.world.run(0.03)

    def _show(self) -> None:
        subscriber = self.world.forwarder.state.subscriber("alice")
        assert subscriber is not None
        self.world.ready(self.alice, 0, subscriber.slots[0].epoch)

    def _sender(self, number: int) -> Sender:
        videos = [s for p in self.people for name, s in p.senders.items() if name != "audio"]
        return videos[number % len(videos)]

    def _transmit(self, sender: Sender, packet: bytes, fate: str) -> None:
        if fate == "arrives":
            sender.person.deliver(packet)
        elif fate == "late":
            self.held.append((sender.person, packet))

    def step(self, kind: str, number: int, extra: object) -> None:
        sender = self._sender(number)
        if kind in ("send", "key"):
            payload = vp8_payload(sender.picture_id, key=kind == "key")
            sender.picture_id += 1
            self._transmit(sender, sender.packet(payload), str(extra))
        elif kind == "frame":
            self.film(key=bool(number))
        elif kind == "empty":
            self._transmit(sender, sender.packet(b""), str(extra))
        elif kind == "gap":
            sender.seq += int(str(extra))
            sender.picture_id += 5
        elif kind == "late" and self.held:
            person, packet = self.held.pop(number % len(self.held))
            if person in self.people:
                person.deliver(packet)
        elif kind == "repair" and sender.sent:
            sender.person.deliver(sender.repair(list(sender.sent)[-1 - number % len(sender.sent)]))
        elif kind == "nack" and self.alice.received[VIDEO]:
            newest = self.alice.numbers(VIDEO)[-1]
            self.alice.tell(rtcp.Nack(1, VIDEO, ((newest - number) & 0xFFFF,)))
        elif kind == "view":
            self.world.view(self.alice, 0, number)
        elif kind == "wait":
            self.world.run(number / 1000)
        elif kind == "leave":
            gone = self.people.pop(number)
            self.world.leave(gone)
            self._come(len(gone.senders) - 1)


def _in_order(packets: list[bytes]) -> list[tuple[int, int, int]]:
    """(number, timestamp, picture id or -1), each extended, in the order of numbers."""
    numbers, times, pictures = Unwrapper(), Unwrapper(TIMESTAMP_BITS), Unwrapper(15)
    found = []
    for packet in packets:
        start = header.payload_offset(packet)
        picture = vp8.parse(packet, start).picture_id if len(packet) > start else None
        found.append(
            (
                numbers.unwrap(header.sequence_number(packet)),
                times.unwrap(header.timestamp(packet)),
                -1 if picture is None else pictures.unwrap(picture),
            )
        )
    return sorted(found)


@settings(max_examples=80, deadline=None)
@given(STEPS)
def test_numbers_are_used_once_and_nothing_goes_back(
    steps: list[tuple[str, int, object]],
) -> None:
    story = Story()
    for kind, number, extra in steps:
        story.step(kind, number, extra)
    sent = _in_order(story.alice.received[VIDEO])
    numbers = [number for number, _, _ in sent]
    assert len(numbers) == len(set(numbers))
    for (_, time, picture), (_, later, next_picture) in pairwise(sent):
        assert later >= time
        if picture >= 0 and next_picture >= 0:
            assert next_picture > picture
    repeated = [header.sequence_number(p) for p in story.alice.received[RTX]]
    assert len(repeated) == len(set(repeated))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=20))
def test_without_loss_switches_leave_no_gap_in_numbers_or_pictures(
    turns: list[tuple[int, int]],
) -> None:
    """Each turn shows another layer or person for some frames."""
    story = Story()
    heights = (180, 360, 720)
    for turn, frames in turns:
        if turn == 3:
            story.step("leave", 0, "")
        else:
            story.world.view(story.alice, 0, heights[turn])
        for frame in range(frames):
            story.film(key=frame == 0)
    sent = _in_order(story.alice.received[VIDEO])
    assert sent != []
    for (number, time, picture), (following, later, next_picture) in pairwise(sent):
        assert following == number + 1
        assert next_picture == picture + 1
        assert later > time

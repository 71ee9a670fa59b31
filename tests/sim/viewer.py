"""Bob films and talks, Alice watches over a bad network: forwarder and executor as they are.

Alice's side is a browser's: transport-wide feedback every 50 to 100 ms, reception reports, NACKs
for what is missing, a keyframe request where it stays missing. All that she gets and says passes
two links. What enters the link to her is kept, as that is what the server decided to send.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfu.core.rtp import header, rtcp, twcc
from sfu.core.rtp.serial import Unwrapper
from tests.sim.network import Conditions, Link, Mailbox
from tests.sim.world import IDS, STEP_S, Person, Sender, World, vp8_payload

AUDIO, VIDEO = 1000, 1001
FRAME_S, AUDIO_S = 1 / 30, 0.02
LAYER_BYTES = {"q": 600, "h": 1900, "f": 5000}  # per frame: 144, 456 and 1200 kbit/s
PACKET_BYTES, AUDIO_BYTES = 1100, 80
KEY_FACTOR = 4  # a keyframe is so much larger
REPORT_S, NACK_S = 1.0, 0.05
PATIENCE_S = 0.5  # without a repair for so long Alice asks for a keyframe
Changes = Sequence[tuple[float, Conditions]]


class Call:
    """Times of changes count from the beginning of the call."""

    def __init__(self, seed: int, down: Changes, up: Changes, feedback_s: float = 0.1) -> None:
        self.world = world = World(seed)
        self.alice = world.join("alice", publish=False, slots=1, estimate_bps=None)
        self.bob = world.join("bob", layers=3)
        self.entered: list[tuple[float, bytes]] = []  # (time, datagram) of what was sent to Alice
        self.audio_sent = 0
        self._down, self._up = (
            Mailbox(Link(seed + n, [(world.now + at, link) for at, link in changes]))
            for n, changes in enumerate((down, up))
        )
        self.alice.transport.send = self._send_to_alice
        self._feedback_s = feedback_s
        self._arrivals: list[tuple[int, int]] = []
        self._numbers, self._video = Unwrapper(), Unwrapper()
        self._missing: dict[int, float] = {}
        self._seen: set[int] = set()
        self._feedback_count = 0
        self._due = dict.fromkeys(("frame", "audio", "feedback", "report", "nack"), world.now)
        self._show(720)

    def run(self, seconds: float) -> None:
        world = self.world
        for _ in range(round(seconds / STEP_S)):
            world.run(STEP_S)
            for arrival, data in self._down.collect(world.now):
                self._take(data, arrival)
            for _, data in self._up.collect(world.now):
                self.alice.deliver(data)
            for duty, interval_s, act in (
                ("audio", AUDIO_S, self._talk),
                ("frame", FRAME_S, self._film),
                ("feedback", self._feedback_s, self._report_arrivals),
                ("report", REPORT_S, self._report_loss),
                ("nack", NACK_S, self._ask_again),
            ):
                if world.now >= self._due[duty]:
                    self._due[duty] += interval_s
                    act()

    def show(self, height: int) -> None:
        self._show(height)

    def _show(self, height: int) -> None:
        subscriber = self.world.forwarder.state.subscriber("alice")
        assert subscriber is not None
        self.world.view(self.alice, 0, height)
        self.world.ready(self.alice, 0, subscriber.slots[0].epoch)

    # Bob

    def _talk(self) -> None:
        self.audio_sent += 1
        self.bob.senders["audio"].send(size=AUDIO_BYTES)

    def _film(self) -> None:
        key = bool(self.bob.asked(rtcp.PictureLoss))
        for rid, size in LAYER_BYTES.items():
            film(self.bob, self.bob.senders[rid], size * (KEY_FACTOR if key else 1), key=key)

    # Alice

    def _send_to_alice(self, datagrams: list[bytes]) -> int:
        for data in datagrams:
            self.entered.append((self.world.now, data))
            self._down.post(data, self.world.now)
        return len(datagrams)

    def _take(self, data: bytes, arrival: float) -> None:
        self.alice.take([data])
        if 192 <= data[1] <= 223:
            return
        number = header.extension(data, IDS.transport_cc)
        if number is not None:
            extended = self._numbers.unwrap(int.from_bytes(number))
            self._arrivals.append((extended, round(arrival * 1e6)))
        if header.ssrc(data) == VIDEO:
            self._note_video(self._video.unwrap(header.sequence_number(data)))

    def _note_video(self, number: int) -> None:
        newest = max(self._seen, default=number - 1)
        self._seen.add(number)
        self._missing.pop(number, None)
        for lost in range(max(newest + 1, number - 100), number):
            self._missing[lost] = self.world.now

    def _report_arrivals(self) -> None:
        arrivals, self._arrivals = self._arrivals, []
        if arrivals:
            for packet in twcc.build_feedback(arrivals, 1, VIDEO, self._feedback_count):
                self._feedback_count += 1
                self._say(packet)

    def _report_loss(self) -> None:
        highest = self._video.highest or 0
        block = rtcp.ReportBlock(VIDEO, 0, 0, highest & 0xFFFFFFFF, 0, 0, 0)
        self._say(rtcp.build([rtcp.ReceiverReport(1, (block,))]))

    def _ask_again(self) -> None:
        if not self._missing:
            return
        oldest = self.world.now - min(self._missing.values())
        if oldest > PATIENCE_S:
            self._missing.clear()
            self._say(rtcp.build([rtcp.PictureLoss(1, VIDEO)]))
        else:
            lost = tuple(number & 0xFFFF for number in sorted(self._missing)[:50])
            self._say(rtcp.build([rtcp.Nack(1, VIDEO, lost)]))

    def _say(self, data: bytes) -> None:
        self._up.post(data, self.world.now)


def film(person: Person, sender: Sender, size: int, *, key: bool) -> None:
    """One frame of `size` bytes, in as many packets as that takes."""
    key, sender.key_next = key or sender.key_next, False
    start = True
    while size > 0:
        body = b"v" * min(size, PACKET_BYTES)
        size -= PACKET_BYTES
        if not start:
            sender.timestamp -= 3000  # `packet` goes on to the next frame's
        payload = vp8_payload(sender.picture_id, key=key, start=start, body=body)
        person.deliver(sender.packet(payload))
        start = False
    sender.picture_id += 1

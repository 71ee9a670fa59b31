"""Bob talks and Alice listens over a bad network: how much of what he says she hears in time.

Whether each of them knows RED, and whether Alice asks again for what is missing, is the test's to
say; browsers differ in both. Alice drops what she has already, as SRTP's replay window does.
"""

from __future__ import annotations

import msgspec

from sfu.core.rtp import header, red, rtcp, twcc
from sfu.core.rtp.serial import Unwrapper
from tests.sim.network import Conditions, Link, Mailbox
from tests.sim.world import IDS, OPUS, STEP_S, World

AUDIO = 1000
RED = msgspec.structs.replace(OPUS, red_payload_type=63)
FRAME_S, FEEDBACK_S, REPORT_S, NACK_S = 0.02, 0.1, 1.0, 0.02
FRAME = 960  # timestamp units
SOUND_BYTES = 80  # 32 kbit/s
IN_TIME_S = 0.08  # after the shortest way: what a jitter buffer grows to on such a path


class Talk:
    """A call that has begun; `estimate_bps` is what Alice's link is taken for at first."""

    def __init__(
        self,
        down: Conditions,
        up: Conditions | None = None,
        *,
        bob_red: bool = False,
        alice_red: bool = False,
        asks: bool = False,
        estimate_bps: float = 600_000,
        seed: int = 1,
    ) -> None:
        self.world = world = World(seed)
        self.alice = world.join(
            "alice",
            publish=False,
            slots=1,
            estimate_bps=estimate_bps,
            opus=RED if alice_red else OPUS,
        )
        self.bob = world.join("bob", slots=1, opus=RED if bob_red else OPUS)
        subscriber = world.forwarder.state.subscriber("alice")
        assert subscriber is not None
        self.subscriber = subscriber
        world.ready(self.alice, 0, subscriber.slots[0].epoch)
        self.entered: list[bytes] = []  # every datagram of sound that was sent to Alice
        self.reports: list[rtcp.ReportBlock] = []  # what Bob was told
        self.bob_asked = 0  # NACKs that Bob got
        self._down, self._up = (
            Mailbox(Link(seed + n, [(0.0, link)])) for n, link in enumerate((down, up or down))
        )
        self._links = down, up or down
        self.alice.transport.send = self._send_to_alice
        self._bob_red, self._asks = bob_red, asks
        self._said: list[tuple[float, bytes]] = []
        self._heard: dict[int, float] = {}  # when each frame was there
        self._seen: set[int] = set()
        self._numbers, self._wide = Unwrapper(), Unwrapper()
        self._arrivals: list[tuple[int, int]] = []
        self._asked: dict[int, int] = {}
        self._feedback_count = 0
        self._reported = (0, 0)  # packets expected and got at the last report
        self._due = dict.fromkeys(("talk", "feedback", "report", "ask"), world.now)

    def run(self, seconds: float) -> None:
        world = self.world
        for _ in range(round(seconds / STEP_S)):
            world.run(STEP_S)
            for _, data in self._up.collect(world.now):
                self.bob.deliver(data)
            for arrival, data in self._down.collect(world.now):
                self._take(data, arrival)
            self._answer()
            for duty, interval_s, act in (
                ("talk", FRAME_S, self._talk),
                ("feedback", FEEDBACK_S, self._report_arrivals),
                ("report", REPORT_S, self._report_loss),
                ("ask", NACK_S, self._ask),
            ):
                if world.now >= self._due[duty]:
                    self._due[duty] += interval_s
                    act()

    def change(self, down: Conditions) -> None:
        """Alice's link is like this from now on."""
        self._down.link.now = down

    def missed(self, seconds: float) -> float:
        """The share of what is said in the next seconds that Alice does not hear in time."""
        first = len(self._said)
        self.run(seconds)
        last = len(self._said)
        self.run(0.5)
        way_s = sum(link.delay_s for link in self._links) + STEP_S * 2
        late = [
            number
            for number in range(first, last)
            if self._heard.get(number, 1e9) > self._said[number][0] + way_s + IN_TIME_S
        ]
        return len(late) / (last - first)

    # Bob

    def _talk(self) -> None:
        number = len(self._said)
        frame = number.to_bytes(4).ljust(SOUND_BYTES, b"a")
        payload = frame
        if self._bob_red:
            before = [(FRAME, self._said[-1][1])] if self._said else []
            payload = red.pack(OPUS.payload_type, frame, before)
        self._said.append((self.world.now, frame))
        sender = self.bob.senders["audio"]
        packet = sender.packet(payload)
        if self._bob_red:
            packet = packet[:1] + bytes((RED.red_payload_type or 0,)) + packet[2:]
        sender.sent[header.sequence_number(packet)] = packet
        self._up.post(packet, self.world.now)

    def _answer(self) -> None:
        for nack in self.bob.asked(rtcp.Nack):
            assert isinstance(nack, rtcp.Nack)
            self.bob_asked += 1
            for number in nack.sequence_numbers:
                self._up.post(self.bob.senders["audio"].sent[number], self.world.now)
        for report in self.bob.asked(rtcp.ReceiverReport):
            assert isinstance(report, rtcp.ReceiverReport)
            self.reports += report.blocks

    # Alice

    def _send_to_alice(self, datagrams: list[bytes]) -> int:
        for data in datagrams:
            if not 192 <= data[1] <= 223 and header.ssrc(data) == AUDIO:
                self.entered.append(data)
            self._down.post(data, self.world.now)
        return len(datagrams)

    def _take(self, data: bytes, arrival: float) -> None:
        if 192 <= data[1] <= 223 or header.ssrc(data) != AUDIO:
            return
        number = self._numbers.unwrap(header.sequence_number(data))
        if number in self._seen:
            return
        self._seen.add(number)
        wide = header.extension(data, IDS.transport_cc)
        assert wide is not None
        self._arrivals.append((self._wide.unwrap(int.from_bytes(wide)), round(arrival * 1e6)))
        payload = data[header.payload_offset(data) :]
        frames = [payload]
        if data[1] & 0x7F == RED.red_payload_type:
            frames = [block.data for block in red.unpack(payload)]
        for frame in frames:
            self._heard.setdefault(int.from_bytes(frame[:4]), arrival)

    def _report_arrivals(self) -> None:
        arrivals, self._arrivals = sorted(self._arrivals), []
        for packet in twcc.build_feedback(arrivals, 1, AUDIO, self._feedback_count):
            self._feedback_count += 1
            self.alice.deliver(packet)

    def _report_loss(self) -> None:
        if not self._seen:
            return
        highest, got = max(self._seen), len(self._seen)
        expected = highest - min(self._seen) + 1
        expected_now, got_now = expected - self._reported[0], got - self._reported[1]
        self._reported = expected, got
        lost = max(0, expected_now - got_now)
        fraction = lost * 256 // max(1, expected_now)
        block = rtcp.ReportBlock(AUDIO, fraction, 0, highest & 0xFFFFFFFF, 0, 0, 0)
        self.alice.tell(rtcp.ReceiverReport(1, (block,)))

    def _ask(self) -> None:
        if not self._asks or not self._seen:
            return
        highest = max(self._seen)
        missing = [n for n in range(highest - 10, highest) if n not in self._seen]
        missing = [n for n in missing if n > min(self._seen) and self._asked.get(n, 0) < 3]
        for number in missing:
            self._asked[number] = self._asked.get(number, 0) + 1
        if missing:
            self.alice.tell(rtcp.Nack(1, AUDIO, tuple(n & 0xFFFF for n in missing)))

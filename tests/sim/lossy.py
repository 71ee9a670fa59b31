"""Bob films, Alice watches, and both are behind links that lose much: repair on both hops.

Bob answers NACKs and keyframe requests as Chromium does. Alice does what its receiver does
(libwebrtc, NackRequester and VideoReceiveStream2): she asks for each missing packet at most ten
times, a round trip apart, plays a frame when it and all before it are whole, and when nothing was
played for 3 s asks for a keyframe.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfu.core.rtp import header, rtcp
from sfu.core.rtp.codecs import is_switch_point
from sfu.core.rtp.serial import Unwrapper
from tests.sim.network import Conditions, Link, Mailbox
from tests.sim.world import STEP_S, World, vp8_payload

VIDEO, RTX = 1001, 1002  # Alice's
FRAME_S = 1 / 30
FRAME_PACKETS, KEY_PACKETS = 3, 15
PACKET_BYTES = 1000
NACK_LOOK_S = 0.02
MAX_ASKED = 10
PATIENCE_S = 3.0
KEY_INTERVAL_S = 0.3


@dataclass
class Missing:
    asked: int = 0
    asked_at: float = -1.0


class Viewer:
    """Alice's decoder. Numbers are extended."""

    def __init__(self, rtt_s: float) -> None:
        self.longest_freeze_s = 0.0
        self.frames = 0
        self.keyframe_requests = 0
        self._rtt_s = rtt_s
        self._numbers = Unwrapper()
        self._ends: dict[int, bool] = {}  # of each packet: whether a frame ends with it
        self._keys: list[int] = []  # where keyframes begin
        self._missing: dict[int, Missing] = {}
        self._highest = self._next = -1
        self._played_at = self._asked_at = 0.0

    def take(self, number: int, packet: bytes, now: float) -> None:
        """A packet by its 16-bit number, first or repaired."""
        seq = self._numbers.unwrap(number)
        self._ends[seq] = bool(packet[1] & 0x80)
        if is_switch_point("VP8", packet, header.payload_offset(packet)):
            self._keys.append(seq)
        self._missing.pop(seq, None)
        if self._highest >= 0:
            for lost in range(self._highest + 1, seq):
                self._missing[lost] = Missing()
        else:
            self._next, self._played_at = seq, now
        self._highest = max(self._highest, seq)
        self._play(now)

    def to_ask(self, now: float) -> list[int]:
        """What to send a NACK for now."""
        wanted = []
        for seq, missing in list(self._missing.items()):
            if seq < self._next or missing.asked >= MAX_ASKED:
                del self._missing[seq]
            elif now - missing.asked_at >= self._rtt_s:
                missing.asked, missing.asked_at = missing.asked + 1, now
                wanted.append(seq & 0xFFFF)
        return wanted

    def needs_keyframe(self, now: float) -> bool:
        if self._highest < 0 or now - max(self._played_at, self._asked_at) < PATIENCE_S:
            return False
        self._asked_at = now
        self.keyframe_requests += 1
        return True

    def end(self, now: float) -> None:
        self.longest_freeze_s = max(self.longest_freeze_s, now - self._played_at)

    def _play(self, now: float) -> None:
        self._next = max(
            (seq for seq in self._keys if seq > self._next and self._end_of(seq) is not None),
            default=self._next,
        )
        while (end := self._end_of(self._next)) is not None:
            self.longest_freeze_s = max(self.longest_freeze_s, now - self._played_at)
            self._played_at, self._next = now, end + 1
            self.frames += 1
        self._keys = [seq for seq in self._keys if seq >= self._next]

    def _end_of(self, seq: int) -> int | None:
        """The last packet of the whole frame that begins at `seq`."""
        while (ends := self._ends.get(seq)) is not None:
            if ends:
                return seq
            seq += 1
        return None


class LossyCall:
    """One seeded run. `up` and `down` are the conditions of both directions of a person's link."""

    def __init__(self, seed: int, up: Conditions, down: Conditions) -> None:
        self.world = world = World(seed)
        self.alice = world.join("alice", publish=False, slots=1)
        self.bob = world.join("bob")
        self.viewer = Viewer(2 * down.delay_s)
        self.keyframes = 0
        links = [
            Link(1000 * seed + n, [(world.now, c)]) for n, c in enumerate((up, up, down, down))
        ]
        self._to_server, self._to_bob, self._to_alice, self._from_alice = map(Mailbox, links)
        self.bob.transport.send = lambda data: _post(self._to_bob, data, world)
        self.alice.transport.send = lambda data: _post(self._to_alice, data, world)
        self._up_rtt_s, self._down_rtt_s = 2 * up.delay_s, 2 * down.delay_s
        self._resent: dict[int, float] = {}
        self._key_wanted, self._keyed_at = True, -1.0
        self._frame_due = self._look_due = world.now
        subscriber = world.forwarder.state.subscriber("alice")
        publisher = world.forwarder.state.publisher("bob")
        assert subscriber is not None
        assert publisher is not None
        subscriber.rtt_s, publisher.rtt_s = self._down_rtt_s, self._up_rtt_s
        subscriber.estimator.loss = down.loss  # there is no feedback
        world.ready(self.alice, 0, subscriber.slots[0].epoch)

    def run(self, seconds: float) -> Viewer:
        world = self.world
        for _ in range(round(seconds / STEP_S)):
            world.run(STEP_S)
            for _, data in self._to_server.collect(world.now):
                self.bob.deliver(data)
            for _, data in self._from_alice.collect(world.now):
                self.alice.deliver(data)
            for _, data in self._to_bob.collect(world.now):
                self.bob.take([data])
            for _, data in self._to_alice.collect(world.now):
                self._watch(data)
            self._publish()
            if world.now >= self._look_due:
                self._look_due += NACK_LOOK_S
                self._ask()
        self.viewer.end(world.now)
        return self.viewer

    def _publish(self) -> None:
        now, camera = self.world.now, self.bob.senders[""]
        for nack in self.bob.asked(rtcp.Nack):
            assert isinstance(nack, rtcp.Nack)
            for seq in nack.sequence_numbers:
                if seq in camera.sent and now - self._resent.get(seq, -1.0) >= self._up_rtt_s:
                    self._resent[seq] = now
                    self._to_server.post(camera.repair(seq), now)
        self._key_wanted |= bool(self.bob.asked(rtcp.PictureLoss))
        if now >= self._frame_due:
            self._frame_due += FRAME_S
            self._film(now)

    def _film(self, now: float) -> None:
        camera = self.bob.senders[""]
        key = self._key_wanted and now - self._keyed_at >= KEY_INTERVAL_S
        if key:
            self._key_wanted, self._keyed_at = False, now
            self.keyframes += 1
        count = KEY_PACKETS if key else FRAME_PACKETS
        for number in range(count):
            body = b"v" * PACKET_BYTES
            payload = vp8_payload(camera.picture_id, key=key, start=number == 0, body=body)
            if number:
                camera.timestamp -= 3000  # `packet` goes on to the next frame's
            packet = bytearray(camera.packet(payload))
            packet[1] |= 0x80 if number == count - 1 else 0
            camera.sent[camera.seq & 0xFFFF] = bytes(packet)
            self._to_server.post(bytes(packet), now)
        camera.picture_id += 1

    def _watch(self, data: bytes) -> None:
        if 192 <= data[1] <= 223:
            return
        ssrc, start = header.ssrc(data), header.payload_offset(data)
        if ssrc == VIDEO:
            self.viewer.take(header.sequence_number(data), data, self.world.now)
        elif ssrc == RTX and len(data) > start + 2:
            number = int.from_bytes(data[start : start + 2])
            self.viewer.take(number, data[:start] + data[start + 2 :], self.world.now)

    def _ask(self) -> None:
        now = self.world.now
        wanted = self.viewer.to_ask(now)
        if wanted:
            self._from_alice.post(rtcp.build([rtcp.Nack(1, VIDEO, tuple(wanted))]), now)
        if self.viewer.needs_keyframe(now):
            self._from_alice.post(rtcp.build([rtcp.PictureLoss(1, VIDEO)]), now)


def _post(link: Mailbox, datagrams: list[bytes], world: World) -> int:
    for data in datagrams:
        link.post(data, world.now)
    return len(datagrams)

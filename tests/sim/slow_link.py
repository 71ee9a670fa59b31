"""Bob's three-layer camera to Alice over a bad network: real forwarder and executor, virtual time.

Bob sends what Chromium sends of a 720p camera (VP8, three temporal layers) and Opus; Alice answers
as a browser does: transport-wide feedback each 100 ms, a reception report a second, NACKs and
keyframe requests. What she gets is kept with its time of arrival.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sfu.core.forwarder.rule import Rule
from sfu.core.rtp import header, rtcp, twcc
from sfu.core.rtp.serial import Unwrapper
from tests.sim.network import Conditions, Link, Mailbox
from tests.sim.world import Sender, World

AUDIO, VIDEO, RTX = 1000, 1001, 1002
FRAME_S = 1 / 30
LAYER_BPS = {"q": 80_000, "h": 400_000, "f": 1_200_000}
HEIGHTS = {"q": 180, "h": 360, "f": 720}
PATTERN = ((0, False), (2, True), (1, True), (2, False))  # (temporal layer, sync) of four frames
SHARES = {0: 0.40 * 4, 1: 0.20 * 4, 2: 0.20 * 4}  # of four frames' bytes; libwebrtc 0.4, 0.6, 1.0
PACKET_BYTES = 1100
AUDIO_BYTES = 80  # 32 kbit/s
KEYFRAME_FACTOR = 6  # times an average frame


class Camera:
    """One simulcast layer with temporal layers; several packets a frame where it is large."""

    def __init__(self, sender: Sender, rid: str) -> None:
        self.sender = sender
        self.rid = rid
        self.frame = 0
        self.tl0 = 7

    def film(self) -> None:
        sender = self.sender
        key, sender.key_next = sender.key_next, False
        if key:
            self.frame = 0
        tid, sync = PATTERN[self.frame % 4]
        self.frame += 1
        self.tl0 += tid == 0
        average = LAYER_BPS[self.rid] / 8 * FRAME_S
        size = round(average * (KEYFRAME_FACTOR if key else SHARES[tid]))
        sender.picture_id += 1
        sender.timestamp += 3000
        body = _start(key, HEIGHTS[self.rid]) + b"v" * size
        for at in range(0, len(body), PACKET_BYTES):
            payload = self._descriptor(tid, sync, at == 0) + body[at : at + PACKET_BYTES]
            sender.timestamp -= 3000  # `packet` advances it
            sender.person.deliver(sender.packet(payload))

    def _descriptor(self, tid: int, sync: bool, first: bool) -> bytes:
        number = 0x8000 | self.sender.picture_id & 0x7FFF
        head = bytes((0x90 if first else 0x80, 0xE0)) + number.to_bytes(2)
        return head + bytes((self.tl0 & 0xFF, tid << 6 | sync << 5))


def _start(key: bool, height: int) -> bytes:
    if not key:
        return b"\x01"
    width = height * 16 // 9
    return b"\x00\x00\x00\x9d\x01\x2a" + width.to_bytes(2, "little") + height.to_bytes(2, "little")


class Call:
    """`down`: (time from now, conditions) of Alice's downlink."""

    def __init__(
        self,
        down: Sequence[tuple[float, Conditions]],
        *,
        height: int = 720,
        seed: int = 1,
        reports_sound: bool = True,
    ) -> None:
        self.world = World(seed)
        start = self.world.now
        self.bob = self.world.join("bob", layers=3)
        self.alice = self.world.join(
            "alice", publish=False, slots=1, estimate_bps=None, reports_sound=reports_sound
        )
        self.cameras = {rid: Camera(self.bob.senders[rid], rid) for rid in LAYER_BPS}
        self.link = Link(seed, [(at + start, conditions) for at, conditions in down])
        self.mail = Mailbox(self.link)
        self.alice.transport.send = self._send
        self.got: list[tuple[float, bytes]] = []
        self._sent: list[bytes] = []
        self.started = start
        self.rules: list[Rule] = []
        self.paused: set[str] = set()
        self.bitrates: list[tuple[float, float]] = []
        self._arrivals: list[tuple[int, int]] = []
        self._numbers = Unwrapper()
        self._feedback_count = 0
        self._next = {"frame": start, "audio": start, "feedback": start + 0.1, "report": start + 1}
        self.world.view(self.alice, 0, height)

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.world.now - self.started

    def _send(self, datagrams: list[bytes]) -> int:
        self._sent += datagrams
        for data in datagrams:
            self.mail.post(data + bytes(28 + 16), self.world.now)  # IP, UDP and the SRTP tag
        return len(datagrams)

    def run(self, seconds: float) -> None:
        end = self.world.now + seconds
        while self.world.now < end:
            self.world.run(0.005)
            self._publish()
            self._receive()

    def _publish(self) -> None:
        for request in self.bob.asked(rtcp.PictureLoss):
            del request
            for camera in self.cameras.values():
                camera.sender.key_next = True
        if self._due("frame", FRAME_S):
            for rid, camera in self.cameras.items():
                if rid not in self.paused:
                    camera.film()
        if self._due("audio", 0.02):
            self.bob.senders["audio"].send(size=AUDIO_BYTES)

    def _due(self, what: str, interval: float) -> bool:
        if self.world.now < self._next[what]:
            return False
        self._next[what] += interval
        return True

    def _receive(self) -> None:
        for arrival, padded in self.mail.collect(self.world.now):
            data = padded[:-44]
            if 192 <= data[1] <= 223:
                continue
            self.got.append((arrival - self.started, data))
            number = header.extension(data, 4)
            if number is None:
                continue  # sound of which no feedback tells
            extended = self._numbers.unwrap(int.from_bytes(number))
            self._arrivals.append((extended, round(arrival * 1e6)))
        if self._due("feedback", 0.1) and self._arrivals:
            arrivals, self._arrivals = self._arrivals, []
            for data in twcc.build_feedback(arrivals, 1, VIDEO, self._feedback_count):
                self._feedback_count += 1
                self.alice.deliver(data)
            subscriber = self.world.forwarder.state.subscriber("alice")
            assert subscriber is not None
            self._note_rule()
            self.bitrates.append((self.now, subscriber.estimator.bitrate_bps))

    def _note_rule(self) -> None:
        subscriber = self.world.forwarder.state.subscriber("alice")
        video = subscriber.slots[0].video if subscriber else None
        if video is not None and video.segments:
            self.rules.append(video.segments[-1].rule)

    # what Alice got

    def packets(self, ssrc: int, start: float = 0.0, end: float = 1e9) -> list[bytes]:
        return [data for at, data in self.got if start <= at < end and header.ssrc(data) == ssrc]

    def sent(self, ssrc: int) -> list[bytes]:
        """What has left for her, also if the link lost it."""
        found = [data for data in self._sent if not 192 <= data[1] <= 223]
        return [data for data in found if header.ssrc(data) == ssrc]

    def thinned(self) -> bool:
        """Whether Bob's frames have been left out."""
        return any(rule.max_tid < 3 for rule in self.rules)

    def frames(self, start: float, end: float) -> int:
        return len({header.timestamp(data) for data in self.packets(VIDEO, start, end)})

    def layer(self) -> tuple[str, int] | None:
        """(rid, highest temporal layer) that Alice is sent now."""
        subscriber = self.world.forwarder.state.subscriber("alice")
        video = subscriber.slots[0].video if subscriber else None
        if video is None or video.source is None:
            return None
        return "qhf"[video.source.layer], min(2, video.segments[-1].rule.max_tid)

    def waits(self, ssrc: int, start: float, end: float) -> list[float]:
        """The gaps between arrivals."""
        times = [at for at, data in self.got if start <= at < end and header.ssrc(data) == ssrc]
        return [after - before for before, after in pairwise(times)]

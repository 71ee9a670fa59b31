"""A media worker in virtual time: real forwarder and executor, no sockets, no encryption.

`World` moves the clock in 5 ms steps. A `Person` publishes numbered VP8 and Opus packets (simulcast
where asked) and keeps what it receives, RTCP included. Loss is decided by a seeded generator.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field

from sfu.api import AnyEvent, Follow, ViewedSlot
from sfu.core.counters import Counters
from sfu.core.description import Codec, Extensions, Section
from sfu.core.forwarder.forwarder import Forwarder
from sfu.core.rtp import header, rtcp, vp8
from sfu.shell.executor import Executor, Transport
from sfu.shell.srtp_errors import Sealer

STEP_S = 0.005
WALL_OFFSET_S = 1_700_000_000.0
VP8 = Codec("VP8", 90_000, 96, rtx_payload_type=97)
OPUS = Codec("opus", 48_000, 111)
UNREPORTED = Extensions(mid=1, audio_level=5)
IDS = Extensions(mid=1, rid=2, repaired_rid=3, transport_cc=4, audio_level=5)


class PlainSrtp:
    """Encryption that does nothing, so that tests read what was sent."""

    def protect(self, packet: bytes) -> bytes:
        return packet

    def sealer(self, ssrc: int) -> Sealer:
        return lambda header, payload: bytes(header) + payload

    def unprotect(self, packet: bytes) -> bytes:
        return packet

    def protect_rtcp(self, packet: bytes) -> bytes:
        return packet

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        return packet

    def forget(self, ssrc: int) -> None:
        pass


def rtp(
    ssrc: int,
    seq: int,
    timestamp: int,
    payload: bytes,
    payload_type: int = 96,
    extensions: list[tuple[int, bytes]] | None = None,
    marker: bool = False,
) -> bytes:
    """A whole RTP packet."""
    block = header.one_byte_extensions(extensions) if extensions else b""
    return (
        bytes([0x90 if block else 0x80, payload_type | (0x80 if marker else 0)])
        + (seq & 0xFFFF).to_bytes(2, "big")
        + (timestamp & 0xFFFFFFFF).to_bytes(4, "big")
        + ssrc.to_bytes(4, "big")
        + block
        + payload
    )


def vp8_payload(
    picture_id: int, *, key: bool, start: bool = True, body: bytes = b"x" * 20
) -> bytes:
    """A descriptor with a 15-bit picture id, then a frame's bytes (P bit clear for a keyframe)."""
    first = 0x80 | (0x10 if start else 0)
    number = 0x8000 | (picture_id & 0x7FFF)
    return bytes([first, 0x80]) + number.to_bytes(2, "big") + bytes([0 if key else 1]) + body


def publishing(layers: int = 1, opus: Codec = OPUS) -> list[Section]:
    rids = ("q", "h", "f")[:layers] if layers > 1 else ()
    return [
        Section("0", "audio", (opus,), IDS, receives=True, nack=True, role="microphone"),
        Section("1", "video", (VP8,), IDS, receives=True, nack=True, role="camera", rids=rids),
    ]


def watching(slots: int = 3, opus: Codec = OPUS, sound: Extensions = IDS) -> list[Section]:
    """Audio + video slots with ssrcs 1000·(slot + 1) (audio) and + 1 (video), + 2 (rtx)."""
    found = []
    for slot in range(slots):
        base = 1000 * (slot + 1)
        mid = 3 + 2 * slot
        found += [
            Section(str(mid), "audio", (opus,), sound, sends=True, nack=True, slot=slot, ssrc=base),
            Section(
                str(mid + 1),
                "video",
                (VP8,),
                IDS,
                sends=True,
                nack=True,
                slot=slot,
                ssrc=base + 1,
                rtx_ssrc=base + 2,
            ),
        ]
    return found


@dataclass
class Sender:
    """One RTP stream of a person; every packet sent is kept for retransmission."""

    person: Person
    mid: str
    ssrc: int
    rid: str = ""
    seq: int = 65_500  # wraps soon
    timestamp: int = 4_294_900_000
    picture_id: int = 100
    sent: dict[int, bytes] = field(default_factory=dict)
    rtx_seq: int = 7
    key_next: bool = True

    def send(self, *, key: bool = False, size: int = 20, lose: bool = False) -> bytes:
        """The next packet, a frame of its own; `lose` keeps it from arriving."""
        key, self.key_next = key or self.key_next, False
        video = self.mid == "1"
        payload = vp8_payload(self.picture_id, key=key, body=b"v" * size) if video else b"a" * size
        packet = self.packet(payload)
        self.picture_id += 1
        if not lose:
            self.person.deliver(packet)
        return packet

    def packet(self, payload: bytes) -> bytes:
        """The next packet with this payload; not delivered."""
        self.seq += 1
        self.timestamp += 3000 if self.mid == "1" else 960
        self.person.twcc += 1
        extensions = [(1, self.mid.encode()), (4, (self.person.twcc & 0xFFFF).to_bytes(2, "big"))]
        if self.rid:
            extensions.append((2, self.rid.encode()))
        if self.mid == "0":
            extensions.append((5, b"\x14"))
        kind = 96 if self.mid == "1" else 111
        packet = rtp(self.ssrc, self.seq, self.timestamp, payload, kind, extensions)
        self.sent[self.seq & 0xFFFF] = packet
        return packet

    def repair(self, seq: int) -> bytes:
        """The RTX packet of an earlier one."""
        original = self.sent[seq]
        start = header.payload_offset(original)
        self.rtx_seq += 1
        extensions = [(1, self.mid.encode())]
        if self.rid:
            extensions.append((3, self.rid.encode()))
        payload = seq.to_bytes(2, "big") + original[start:]
        return rtp(
            self.ssrc + 500, self.rtx_seq, header.timestamp(original), payload, 97, extensions
        )


@dataclass
class Person:
    world: World
    name: str
    transport: Transport
    senders: dict[str, Sender] = field(default_factory=dict)  # "audio" or rid ("" alone)
    received: dict[int, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    feedback: list[rtcp.RtcpPacket] = field(default_factory=list)
    twcc: int = 65_530
    downlink_loss: float = 0.0

    def deliver(self, packet: bytes) -> None:
        self.world.executor.receive(self.transport, packet, self.world.now)
        self.world.executor.flush()

    def tell(self, *packets: rtcp.RtcpPacket) -> None:
        self.deliver(rtcp.build(packets))

    def take(self, datagrams: list[bytes]) -> int:
        """What the executor sends to this person."""
        for data in datagrams:
            self._take(data)
        return len(datagrams)

    def _take(self, data: bytes) -> None:
        if 192 <= data[1] <= 223:
            self.feedback += rtcp.parse_compound(data)
        elif self.world.random.random() >= self.downlink_loss:
            self.received[header.ssrc(data)].append(data)

    def asked(self, kind: type[rtcp.RtcpPacket]) -> list[rtcp.RtcpPacket]:
        """RTCP packets of one kind that this person got; each is returned once."""
        found = [packet for packet in self.feedback if isinstance(packet, kind)]
        self.feedback = [packet for packet in self.feedback if not isinstance(packet, kind)]
        return found

    def numbers(self, ssrc: int) -> list[int]:
        return [header.sequence_number(packet) for packet in self.received[ssrc]]

    def picture_ids(self, ssrc: int) -> list[int]:
        found = (vp8.parse(p, header.payload_offset(p)).picture_id for p in self.received[ssrc])
        return [number for number in found if number is not None]


class World:
    def __init__(self, seed: int = 1) -> None:
        self.now = 100.0
        self.random = random.Random(seed)
        self.events: list[AnyEvent] = []
        self.counters = Counters()
        self.forwarder = Forwarder(WALL_OFFSET_S, self.counters)
        self.executor = Executor(
            self.forwarder, self.counters, self.events.append, lambda: self.now
        )
        self.people: list[Person] = []
        self.forwarder.open_room("room", max_peers=8)

    def join(
        self,
        name: str,
        *,
        layers: int = 1,
        publish: bool = True,
        slots: int = 3,
        follow: Follow | None = None,
        estimate_bps: float | None = 10_000_000,
        opus: Codec = OPUS,
        reports_sound: bool = True,
    ) -> Person:
        """A connected person who publishes and watches; the link is taken to be fast."""
        transport = Transport(name, 8_000_000, lambda datagrams: person.take(datagrams))
        person = Person(self, name, transport)
        self.people.append(person)
        transport.srtp = PlainSrtp()
        self.executor.add(transport)
        sections = [
            *(publishing(layers, opus) if publish else []),
            *watching(slots, opus, IDS if reports_sound else UNREPORTED),
        ]
        refused = self.forwarder.describe_peer("room", name, sections, self.now, follow=follow)
        assert refused is None
        transport.publisher = self.forwarder.state.publisher(name)
        subscriber = self.forwarder.state.subscriber(name)
        if subscriber is not None and estimate_bps is not None:
            subscriber.estimator._rate.set(estimate_bps)  # they give no feedback
        self.forwarder.peer_connected(name, self.now)
        self.executor.drain()
        base = 10_000 + 1000 * len(self.forwarder.state.room_of)
        if publish:
            person.senders["audio"] = Sender(person, "0", base)
            for index, rid in enumerate(("q", "h", "f")[:layers] if layers > 1 else [""]):
                person.senders[rid] = Sender(person, "1", base + 1 + index, rid)
        return person

    def leave(self, person: Person) -> None:
        self.executor.remove(person.name)
        self.forwarder.close_peer(person.name, self.now)
        self.executor.drain()

    def ready(self, person: Person, slot: int, epoch: int) -> None:
        self.forwarder.slot_ready(person.name, slot, epoch, self.now)
        self.executor.drain()

    def view(self, person: Person, slot: int, height: int) -> None:
        viewed = ViewedSlot(slot, height * 16 // 9, height)
        self.forwarder.set_view(person.name, (viewed,), self.now)
        self.executor.drain()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            self.executor.handle_timeout(self.now)

    def told(self, kind: type[AnyEvent]) -> list[AnyEvent]:
        return [event for event in self.events if isinstance(event, kind)]

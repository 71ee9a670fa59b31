"""A stretch of load: prepared and encrypted beforehand, then sent on time, received and counted.

Publishers start their frames evenly spread over a frame's length; a frame leaves as one burst, as
cameras do. Times are rounded up to ticks (5 ms where no delay is measured), at which everything
that is due is sent with one system call and everything that came is read.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import socket
import time
from collections.abc import Iterator, Sequence

import msgspec

from bench.client import Client
from bench.mmsg import Datagram, Volley
from bench.packets import AUDIO_PER_S, FRAMES_PER_S, Track, frame_sizes
from bench.receiver import Receiver, SentAt
from bench.upkeep import TICK_S, Upkeep

WAKE_S = 0.02  # while nothing is to be sent
DRAIN_S = 0.25  # after the last packet, and on until nothing comes any more
LONGEST_DRAIN_S = 3.0
_PREPARING_S = 10e-6  # for each packet, generously; the run starts when it is over
_STARTING_S = 0.1


class Burst(msgspec.Struct, frozen=True, gc=False):
    """Packets of one track that leave together; `tick` counts from the start."""

    tick: int
    source: str
    rtp_timestamp: int
    packets: tuple[bytes, ...]


class Sent(msgspec.Struct, frozen=True):
    """What a stretch has sent."""

    packets: int
    refused: int  # by the kernel
    late_ms: float  # the latest burst


class Plan(msgspec.Struct, frozen=True):
    """A stretch of load that starts at `start` (monotonic seconds)."""

    start: float
    tick_s: float
    bursts: tuple[Burst, ...]  # in time order


def prepare(
    publishers: Sequence[Client],
    video_per_s: float,
    seconds: float,
    now: float,
    tick_s: float = TICK_S,
) -> Plan:
    """Encrypt everything that the publishers will send; audio has its own rate."""
    count = sum(_rate(track, video_per_s) for each in publishers for track in each.tracks) * seconds
    start = now + _STARTING_S + count * _PREPARING_S
    bursts: list[Burst] = []
    for n, publisher in enumerate(publishers):
        phase = n / len(publishers)
        bursts += _bursts_of(publisher, phase, video_per_s, seconds, start, tick_s)
    return Plan(start, tick_s, tuple(sorted(bursts, key=lambda burst: burst.tick)))


def _rate(track: Track, video_per_s: float) -> float:
    return AUDIO_PER_S if track.kind == "audio" else video_per_s


def _bursts_of(
    publisher: Client,
    phase: float,
    video_per_s: float,
    seconds: float,
    start: float,
    tick_s: float,
) -> Iterator[Burst]:
    """One publisher's bursts; `phase` is a part of a frame's length."""
    assert publisher.srtp is not None
    for at_s, track, size in _moments(publisher.tracks, phase, video_per_s, seconds):
        first = publisher.twcc_sent
        plain = (
            [track.sound(start + at_s, first)]
            if track.kind == "audio"
            else track.frame(size, start + at_s, first)
        )
        publisher.twcc_sent += len(plain)
        packets = tuple(publisher.srtp.protect(packet) for packet in plain)
        yield Burst(math.ceil(at_s / tick_s), publisher.address, track.rtp_timestamp, packets)


def _moments(
    tracks: Sequence[Track], phase: float, video_per_s: float, seconds: float
) -> list[tuple[float, Track, int]]:
    """(when, track, packets) in time order, from 0 on."""
    moments: list[tuple[float, Track, int]] = []
    for track in tracks:
        per_s = AUDIO_PER_S if track.kind == "audio" else FRAMES_PER_S
        count = int(seconds * per_s)
        sizes = [1] * count if track.kind == "audio" else frame_sizes(video_per_s, count)
        moments += [((n + phase) / per_s, track, size) for n, size in enumerate(sizes) if size]
    return sorted(moments, key=lambda moment: moment[0])


class Driver:
    """Sends plans from the clients' common socket."""

    def __init__(
        self, bulk: socket.socket, server: tuple[str, int], receiver: Receiver, upkeep: Upkeep
    ) -> None:
        self._bulk = bulk
        self._server = server
        self._receiver = receiver
        self._upkeep = upkeep

    async def send(self, plan: Plan) -> Sent:
        """The whole plan, and what comes of it, to the end."""
        datagrams = [Datagram(data, b.source) for b in plan.bursts for data in b.packets]
        volley = Volley(datagrams, self._server)
        del datagrams
        start = max(plan.start, time.monotonic())
        sent = refused = 0
        late_s = 0.0
        for tick, due in itertools.groupby(plan.bursts, key=lambda burst: burst.tick):
            due_at = start + tick * plan.tick_s
            await self._wait(due_at)
            late_s = max(late_s, time.monotonic() - due_at)
            bursts = list(due)
            count = sum(len(burst.packets) for burst in bursts)
            self._note(bursts)
            refused += count - volley.send(self._bulk, sent, sent + count)
            sent += count
            self._receiver.drain()
        await self._drain()
        return Sent(sent, refused, late_s * 1000)

    async def _drain(self) -> None:
        deadline, before = time.monotonic() + LONGEST_DRAIN_S, -1
        while before < (now := self._receiver.delivered()) and time.monotonic() < deadline:
            before = now
            await self._wait(time.monotonic() + DRAIN_S)

    async def _wait(self, until: float) -> None:
        """Look after what comes meanwhile."""
        while (now := time.monotonic()) < until:
            self._upkeep.catch_up(now)
            await asyncio.sleep(min(until - now, WAKE_S))
            self._receiver.drain()

    def _note(self, bursts: list[Burst]) -> None:
        sent_at: SentAt | None = self._receiver.sent_at
        if sent_at is not None:
            now = time.time_ns()
            sent_at.update({(b.source, b.rtp_timestamp): now for b in bursts})

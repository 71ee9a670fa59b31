"""The executor alone: one publisher to N subscribers through the real forwarder, in this process.

For quick comparisons while the executor is worked on: real AES-GCM on both sides, real UDP sockets,
but no signalling, no ICE, no event loop and no timers, so its figures are lower than a server's. It
fails where less than 99 % arrive or one sampled packet does not decrypt.
"""

from __future__ import annotations

import secrets
import socket
import time

import msgspec

from bench.figures import LEAST_DELIVERED
from sfu.core.counters import Counters
from sfu.core.description import Codec, Extensions, Section
from sfu.core.forwarder.forwarder import Forwarder
from sfu.core.rtp import header
from sfu.shell.executor import Executor, Transport
from sfu.shell.srtp import Srtp, make_srtp
from sfu.shell.srtp_errors import SrtpError
from sfu.shell.udp import open_socket, send_burst

PROFILE = "SRTP_AEAD_AES_128_GCM"
PAYLOAD_BYTES = 1100
SAMPLED = 100  # one in so many delivered packets is decrypted
BURST = 8  # packets in between two looks at the sinks
VP8 = Codec("VP8", 90_000, 96, rtx_payload_type=97)
IDS = Extensions(mid=1, transport_cc=4)
BITRATE_BPS = 10_000_000_000


class Result(msgspec.Struct, frozen=True):
    subscribers: int
    packets: int  # from the publisher
    delivered: float  # share of packets × subscribers that arrived
    undecryptable: int  # of the sampled ones
    cpu_us: float  # process time per delivered packet, kernel included


class _Sink:
    """A subscriber: a UDP socket and the keys to what it gets."""

    def __init__(self, number: int, sending: socket.socket) -> None:
        self.socket = open_socket("127.0.0.1", 0)
        address = self.socket.getsockname()
        keys = secrets.token_bytes(56)
        self.receiving = make_srtp(PROFILE, keys, is_client=True)
        self.transport = Transport(
            f"subscriber{number}",
            BITRATE_BPS,
            lambda datagrams: send_burst(sending, address, datagrams),
        )
        self.transport.srtp = make_srtp(PROFILE, keys, is_client=False)
        self.arrived: list[bytes] = []

    def drain(self) -> None:
        try:
            while data := self.socket.recv(2048):
                if not 192 <= data[1] <= 223:  # not RTCP
                    self.arrived.append(data)
        except BlockingIOError:
            return

    def undecryptable(self) -> int:
        bad = 0
        for data in self.arrived[::SAMPLED]:
            try:
                self.receiving.unprotect(data)
            except SrtpError:
                bad += 1
        return bad


def measure(subscribers: int, packets: int) -> Result:
    """Forward `packets` packets to so many subscribers."""
    sending = open_socket("127.0.0.1", 0)
    forwarder = Forwarder(time.time() - time.monotonic(), Counters())
    executor = Executor(forwarder, Counters(), lambda _event: None)
    forwarder.open_room("bench", subscribers + 1)
    publisher, encrypting = _publish(forwarder, executor)
    sinks = [_Sink(number, sending) for number in range(subscribers)]
    for sink in sinks:
        _subscribe(forwarder, executor, sink)
    encrypted = [encrypting.protect(_packet(number)) for number in range(packets)]
    cpu_s = 0.0
    for start in range(0, packets, BURST):
        before = time.process_time()
        for data in encrypted[start : start + BURST]:
            executor.receive(publisher, data, time.monotonic())
        executor.flush()
        executor.handle_timeout(time.monotonic())
        cpu_s += time.process_time() - before
        for sink in sinks:
            sink.drain()
    arrived = sum(len(sink.arrived) for sink in sinks)
    undecryptable = sum(sink.undecryptable() for sink in sinks)
    for sink in sinks:
        sink.socket.close()
    sending.close()
    return Result(
        subscribers,
        packets,
        arrived / (packets * subscribers),
        undecryptable,
        cpu_s * 1e6 / max(1, arrived),
    )


def _publish(forwarder: Forwarder, executor: Executor) -> tuple[Transport, Srtp]:
    keys = secrets.token_bytes(56)
    transport = Transport("publisher", BITRATE_BPS, len)
    transport.srtp = make_srtp(PROFILE, keys, is_client=False)
    executor.add(transport)
    section = Section("1", "video", (VP8,), IDS, receives=True, nack=True, role="camera")
    forwarder.describe_peer("bench", "publisher", [section], time.monotonic())
    transport.publisher = forwarder.state.publisher("publisher")
    return transport, make_srtp(PROFILE, keys, is_client=True)


def _subscribe(forwarder: Forwarder, executor: Executor, sink: _Sink) -> None:
    executor.add(sink.transport)
    section = Section(
        "4", "video", (VP8,), IDS, sends=True, nack=True, slot=0, ssrc=1001, rtx_ssrc=1002
    )
    peer = sink.transport.peer
    forwarder.describe_peer("bench", peer, [section], time.monotonic())
    forwarder.peer_connected(peer, time.monotonic())
    executor.drain()


def _packet(number: int) -> bytes:
    """A VP8 packet with a 15-bit picture id; the first begins a keyframe."""
    extensions = header.one_byte_extensions([(1, b"1"), (4, (number & 0xFFFF).to_bytes(2, "big"))])
    descriptor = bytes((0x90, 0x80)) + (0x8000 | number & 0x7FFF).to_bytes(2, "big")
    frame = bytes((0 if number == 0 else 1,)) + bytes(PAYLOAD_BYTES - 5)
    fixed = bytes((0x90, 96)) + number.to_bytes(2, "big") + (number * 3000).to_bytes(4, "big")
    return fixed + (77).to_bytes(4, "big") + extensions + descriptor + frame


SCENARIOS = ((1, 2000), (3, 2000), (10, 1000), (30, 400))  # (subscribers, packets in)


def main() -> int:
    """Print what each delivered packet cost."""
    print(f"executor alone, {PROFILE}, {PAYLOAD_BYTES}-byte VP8 packets, loopback")
    print(f"{'fan-out':>8} {'packets in':>11} {'delivered':>10} {'CPU µs per delivered':>21}")
    failed = False
    for subscribers, packets in SCENARIOS:
        r = measure(subscribers, packets)
        print(f"{f'1 → {subscribers}':>8} {packets:>11} {r.delivered:>9.1%} {r.cpu_us:>21.1f}")
        failed |= r.delivered < LEAST_DELIVERED or r.undecryptable > 0
    if failed:
        print("packets were lost or do not decrypt")
    return int(failed)

"""Hostile datagrams by the seed: noise, broken real ones, replays, and authentic nonsense.

The senders are strangers, forged addresses of the participants (through a raw socket), and Mallory,
who is in the room with keys of her own: what she sends decrypts and then breaks RTP or RTCP.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sfu.core.rtp import rtcp
from sfu.shell.srtp_errors import SrtpError
from tests.e2e.flood import raw_socket, with_headers
from tests.e2e.lean import PAYLOAD_TYPE, SSRC, Lean, SteadyCall
from tests.netns.namespace import FIRST_ADDRESS

PER_S = 15_000
STRANGERS = 16  # ports
_TICK_S = 0.002


class Fuzzer:
    """Sends `count` datagrams from a thread of its own; `run` waits for the end."""

    def __init__(self, call: SteadyCall, mallory: Lean, port: int, seed: int) -> None:
        self.sent = 0
        self._chance = random.Random(seed)
        self._call = call
        self._mallory = mallory
        self._port = port
        self._samples = _samples(call)
        self._strangers = [_stranger(port) for _ in range(STRANGERS)]
        self._raw = raw_socket()
        self._kinds: list[Callable[[], None]] = [
            self._noise,
            self._broken,
            self._spoofed,
            self._replayed,
            self._broken_by_mallory,
            self._hostile_media,
            self._hostile_rtcp,
        ]

    def close(self) -> None:
        for sock in (*self._strangers, self._raw):
            sock.close()

    def start(self, count: int) -> threading.Thread:
        thread = threading.Thread(target=self._run, args=(count,))
        thread.start()
        return thread

    def _run(self, count: int) -> None:
        started, first = time.monotonic(), self.sent
        while self.sent < first + count:
            while self.sent - first > (time.monotonic() - started) * PER_S:
                time.sleep(_TICK_S)
            with suppress(OSError, SrtpError):  # refused, full; more streams than allowed
                self._chance.choice(self._kinds)()
            self.sent += 1

    # kinds

    def _noise(self) -> None:
        head = bytes(
            [self._chance.choice((0, 1, 20, 22, 23, 63, 64, 127, 128, 144, 191, 192, 255))]
        )
        self._as_stranger(head + self._chance.randbytes(self._chance.randrange(200)))

    def _broken(self) -> None:
        self._as_stranger(self._mutated(self._sample()))

    def _spoofed(self) -> None:
        source = self._chance.choice(
            [
                self._call.speaker.address,
                self._call.listener.address,
                ("10.98.0.1", 9),
                ("10.1.2.3", 5),
            ]
        )
        self._raw.send(with_headers(self._mutated(self._sample()), source, self._target))

    def _replayed(self) -> None:
        source = self._call.speaker.address
        self._raw.send(with_headers(self._sample(), source, self._target))

    def _broken_by_mallory(self) -> None:
        self._mallory.socket.send(self._mutated(self._sample()))

    def _hostile_media(self) -> None:
        """Authentic packets that break RTP: extensions, CSRCs, padding, payloads, ssrcs, jumps."""
        chance = self._chance
        first = 0x80 | chance.choice((0, 0, 0x10, 0x20, 0x30, chance.randrange(64)))
        kind = chance.choice((PAYLOAD_TYPE, PAYLOAD_TYPE | 0x80, chance.randrange(64)))
        sequence = chance.choice((self.sent & 0xFFFF, chance.randrange(0x10000)))
        ssrc = chance.choice((7, 7, 8, SSRC, chance.randrange(400)))
        body = chance.randbytes(chance.randrange(60))
        if first & 0x10:
            body = b"\xbe\xde" + chance.randrange(4).to_bytes(2) + body
        packet = bytes((first, kind)) + sequence.to_bytes(2) + bytes(4) + ssrc.to_bytes(4) + body
        assert self._mallory.srtp is not None
        self._mallory.socket.send(self._mallory.srtp.protect(packet))

    def _hostile_rtcp(self) -> None:
        chance = self._chance
        plain = self._mutated(chance.choice(_REPORTS), keep=8)
        if chance.random() < 0.3:
            plain = bytes((0x80 | chance.randrange(32), chance.randrange(192, 224))) + plain[2:]
        assert self._mallory.srtp is not None
        self._mallory.socket.send(self._mallory.srtp.protect_rtcp(plain))

    # parts

    @property
    def _target(self) -> tuple[str, int]:
        return FIRST_ADDRESS, self._port

    def _as_stranger(self, data: bytes) -> None:
        self._chance.choice(self._strangers).send(data)

    def _sample(self) -> bytes:
        """A real datagram: what was recorded at the start, or media of just now."""
        if self._chance.random() < 0.3:
            return self._chance.choice(self._call.speaker.sealed)
        return self._chance.choice(self._samples)

    def _mutated(self, data: bytes, keep: int = 0) -> bytes:
        """Some bytes changed, cut, grown or spliced; the first `keep` stay there."""
        chance, changed = self._chance, bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(changed))
            changed[at] ^= 1 << chance.randrange(8)
        match chance.randrange(6):
            case 0:
                del changed[max(keep, chance.randrange(len(changed))) :]
            case 1:
                changed += chance.randbytes(chance.randrange(64))
            case 2:
                changed[keep:] = chance.choice(self._samples)[: chance.randrange(1, 100)]
        return bytes(changed)


def _samples(call: SteadyCall) -> list[bytes]:
    """What was sent: who could hold back a participant's own datagrams needs no fuzzer."""
    speaker, listener = call.speaker, call.listener
    assert listener.srtp is not None
    reports = [listener.srtp.protect_rtcp(plain) for plain in _REPORTS]
    said = [listener.check(), *reports]
    checks = [speaker.check(), speaker.check(password="guess")]
    for sender, datagrams in ((speaker, checks), (listener, said)):
        for datagram in datagrams:
            sender.socket.send(datagram)
    return [*checks, *said, *speaker.sealed, *speaker.handshake]


def _stranger(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((FIRST_ADDRESS, 0))
    sock.connect((FIRST_ADDRESS, port))
    sock.setblocking(False)
    return sock


_BLOCK = rtcp.ReportBlock(SSRC, 10, 1, 1, 1, 1, 1)
_REPORTS = [
    rtcp.build([packet])
    for packet in (
        rtcp.SenderReport(7, 1 << 60, 5, 1, 1, (_BLOCK,)),
        rtcp.SourceDescription(((7, "name"),)),
        rtcp.Nack(7, SSRC, tuple(range(40))),
        rtcp.PictureLoss(7, SSRC),
        rtcp.FullIntraRequest(7, ((SSRC, 1),)),
    )
]

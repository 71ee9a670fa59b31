"""What the edge and a media worker say to each other about media over TCP.

One message on their SEQPACKET socket is four bytes of path number and then either packets of that
path, framed as RFC 4571 does, or, for the number 0, one of the words below. A path is announced by
`OpenPath` before its first packet; numbers are the edge's and are not used twice in its life.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from sfu.core.stream.framing import Deframer, frame, measure_frame

MAX_MESSAGE_BYTES = 32 * 1024
CONTROL = 0
_NUMBER_BYTES = 4


class Word(msgspec.Struct, frozen=True, tag=True):
    """Something other than packets."""


class OpenPath(Word, frozen=True):
    """Edge → worker: the client has the public address, for ICE-TCP its own, for TURN the relayed
    one; STUN answers carry it.
    """

    path: int
    kind: Literal["ice-tcp", "turn"]
    address: str
    port: int


class ClosePath(Word, frozen=True):
    """Edge → worker: the connection ended."""

    path: int


class Report(Word, frozen=True):
    """Edge → worker: its counters since its start."""

    counters: dict[str, int]


class Claimed(Word, frozen=True):
    """Worker → edge: the path is a peer's now, whose video has these ssrcs."""

    path: int
    video: tuple[int, ...]


class Released(Word, frozen=True):
    """Worker → edge: the peer has ended, and the path with it."""

    path: int


FromEdge = OpenPath | ClosePath | Report
FromWorker = Claimed | Released

_encoder = msgspec.msgpack.Encoder()


def pack_word(word: Word) -> bytes:
    return CONTROL.to_bytes(_NUMBER_BYTES) + _encoder.encode(word)


def pack_packets(path: int, packets: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """(message, how many packets it holds), in order."""
    head = path.to_bytes(_NUMBER_BYTES)
    parts, size = [head], _NUMBER_BYTES
    for packet in packets:
        if size + 2 + len(packet) > MAX_MESSAGE_BYTES and len(parts) > 1:
            yield b"".join(parts), len(parts) - 1
            parts, size = [head], _NUMBER_BYTES
        parts.append(frame(packet))
        size += 2 + len(packet)
    if len(parts) > 1:
        yield b"".join(parts), len(parts) - 1


def path_of(message: bytes) -> int:
    """The number of the path that the message is about, or CONTROL."""
    return int.from_bytes(message[:_NUMBER_BYTES])


def word_of(message: bytes) -> bytes:
    """What follows the number: a word in MessagePack."""
    return message[_NUMBER_BYTES:]


def packets_of(message: bytes) -> list[bytes]:
    """The packets of a path's message."""
    return Deframer(measure_frame).feed(message[_NUMBER_BYTES:])

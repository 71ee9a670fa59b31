"""Packets out of a byte stream: RFC 4571 frames (ICE-TCP), TURN over TCP (RFC 8656 section 12.5).

A `Deframer` keeps at most one unfinished packet; a stream that announces a longer one than any of
ours is not what it should be, and is given up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

MAX_PACKET_BYTES = 2048  # what the UDP side reads of a datagram, too
_LENGTH_BYTES = 2
_STUN_HEADER_BYTES = 20
_CHANNEL_HEADER_BYTES = 4

Measured: TypeAlias = tuple[int, int, int]  # the packet's start and end, the next one's start
Measure: TypeAlias = Callable[[bytes, int], "Measured | None"]


class FramingError(ValueError):
    """The stream is not made of our packets."""


def frame(packet: bytes) -> bytes:
    """The packet behind its length (RFC 4571 section 2)."""
    return len(packet).to_bytes(_LENGTH_BYTES) + packet


def measure_frame(data: bytes, at: int) -> Measured | None:
    """A packet behind two bytes of length; None where the length is not there yet."""
    start = at + _LENGTH_BYTES
    if len(data) < start:
        return None
    end = start + int.from_bytes(data[at:start])
    return start, end, end


def measure_turn(data: bytes, at: int) -> Measured | None:
    """A STUN message or, padded to four bytes, a ChannelData message, each with its header."""
    if len(data) < at + _CHANNEL_HEADER_BYTES:
        return None
    length = int.from_bytes(data[at + 2 : at + 4])
    match data[at] >> 6:
        case 0 if length % 4 == 0:
            end = at + _STUN_HEADER_BYTES + length
            return at, end, end
        case 1:
            end = at + _CHANNEL_HEADER_BYTES + length
            return at, end, end + -length % 4
        case _:
            raise FramingError("neither STUN nor channel data")


class Deframer:
    """`feed` with what came; it gives whole packets, in order."""

    __slots__ = ("_measure", "_rest")

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Raises FramingError; then nothing more can be made of the stream."""
        data = self._rest + data if self._rest else data
        packets: list[bytes] = []
        at = 0
        while (measured := self._measure(data, at)) is not None:
            start, end, following = measured
            if end - start > MAX_PACKET_BYTES:
                raise FramingError("packet too long")
            if following > len(data):
                break
            if end > start:
                packets.append(data[start:end])
            at = following
        self._rest = data[at:]
        return packets

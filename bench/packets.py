"""What clients send: VP8 packets of 1100 bytes as frames, and Opus packets (RFC 7741, RFC 7587).

The headers are a browser's: MID on the first packets, the transport-wide number on all, the audio
level on sound, the marker at a frame's end. Every frame begins like a keyframe: an encoder that
answers each picture loss indication with its next frame, so that no client waits for longer than
one frame. Behind the descriptor stand the packet's own number and timestamp, then a pattern; they
are looked for in what is delivered.
"""

from __future__ import annotations

from itertools import pairwise
from struct import Struct

import msgspec

from sfu.core.rtp import header

VIDEO_TYPE, RTX_TYPE, AUDIO_TYPE = 96, 97, 111
MID_ID, LEVEL_ID, TWCC_ID = 1, 2, 3
VIDEO_PAYLOAD_BYTES = 1100
AUDIO_PAYLOAD_BYTES = 90  # Opus at 36 kbit/s
VIDEO_CLOCK, AUDIO_CLOCK = 90_000, 48_000  # Hz
FRAMES_PER_S = 30
AUDIO_PER_S = 50
MID_PACKETS = 100  # a browser repeats the MID until it is acknowledged

_PATTERN = bytes(range(256)) * 5
_KEYFRAME = bytes((0, 0, 0)) + b"\x9d\x01\x2a" + Struct("<HH").pack(640, 360)  # RFC 6386 9.1
_FIXED = Struct("!BBHII")
_NAME = Struct("!II")  # number, RTP timestamp
_DESCRIPTOR = Struct("!BBH")
_LOUD = bytes((0x80 | 30,))  # voice at −30 dBov


class Stamp(msgspec.Struct, frozen=True):
    """What a packet says about itself."""

    number: int
    rtp_timestamp: int


class Track:
    """Numbers of one stream that a client sends; timestamps follow the time of sending."""

    def __init__(self, kind: str, mid: str, ssrc: int) -> None:
        self.kind = kind
        self.mid = mid
        self.ssrc = ssrc
        self.sent = 0
        self.octets = 0
        self.rtp_timestamp = 0
        self._picture = 0

    def timestamp_at(self, at_s: float) -> int:
        """The RTP timestamp of what is taken at a time."""
        clock = AUDIO_CLOCK if self.kind == "audio" else VIDEO_CLOCK
        return round(at_s * clock) & 0xFFFFFFFF

    def frame(self, packets: int, at_s: float, twcc: int) -> list[bytes]:
        """A picture of so many packets, taken at a time; `twcc` is its first packet's number."""
        self.rtp_timestamp = self.timestamp_at(at_s)
        self._picture += 1
        return [self._picture_packet(n, packets, twcc + n) for n in range(packets)]

    def sound(self, at_s: float, twcc: int) -> bytes:
        """20 ms of sound."""
        self.rtp_timestamp = self.timestamp_at(at_s)
        payload = self._named(b"", AUDIO_PAYLOAD_BYTES)
        return self._packet(AUDIO_TYPE, payload, [(LEVEL_ID, _LOUD)], twcc)

    def _picture_packet(self, n: int, packets: int, twcc: int) -> bytes:
        start = 0x10 if n == 0 else 0
        descriptor = _DESCRIPTOR.pack(0x80 | start, 0x80, 0x8000 | self._picture & 0x7FFF)
        payload = self._named(descriptor + (_KEYFRAME if n == 0 else b""), VIDEO_PAYLOAD_BYTES)
        marker = 0x80 if n == packets - 1 else 0
        return self._packet(marker | VIDEO_TYPE, payload, [], twcc)

    def _named(self, head: bytes, size: int) -> bytes:
        head += _NAME.pack(self.sent, self.rtp_timestamp)
        return head + _PATTERN[: size - len(head)]

    def _packet(
        self, second: int, payload: bytes, own: list[tuple[int, bytes]], twcc: int
    ) -> bytes:
        items = [(TWCC_ID, (twcc & 0xFFFF).to_bytes(2, "big")), *own]
        if self.sent < MID_PACKETS:
            items.append((MID_ID, self.mid.encode()))
        fixed = _FIXED.pack(0x90, second, self.sent & 0xFFFF, self.rtp_timestamp, self.ssrc)
        self.sent += 1
        self.octets += len(payload)
        return fixed + header.one_byte_extensions(items) + payload


def stamp(packet: bytes) -> Stamp | None:
    """What a delivered packet in the clear says about itself; None where it was changed."""
    at = header.payload_offset(packet)
    if header.payload_type(packet) == VIDEO_TYPE:
        at += _DESCRIPTOR.size + (len(_KEYFRAME) if packet[at] & 0x10 else 0)
    rest = packet[at + _NAME.size :]
    if len(packet) < at + _NAME.size or not rest or rest != _PATTERN[: len(rest)]:
        return None
    return Stamp(*_NAME.unpack_from(packet, at))


def frame_sizes(packets_per_s: float, frames: int) -> list[int]:
    """Packets of each of so many successive frames at FRAMES_PER_S, evenly rounded.

    Below one packet a frame some frames have none: the camera sends fewer pictures then.
    """
    each = packets_per_s / FRAMES_PER_S
    ends = [int(each * n) for n in range(frames + 1)]
    return [end - start for start, end in pairwise(ends)]

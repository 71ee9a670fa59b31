"""What the forwarder must know about each codec: where a viewer may be switched to a stream.

Names are SDP's, in any case. Video switches at keyframes; every Opus packet decodes on its own
account, so audio switches anywhere. A codec that is not in the table never offers a switch point,
so such a stream is not started.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sfu.core.rtp import av1, h264, vp8, vp9

IsSwitchPoint = Callable[[bytes, int], bool]  # (packet, payload offset)


class CodecTraits(msgspec.Struct, frozen=True):
    """One codec's clock in Hz, and whether a payload is one to switch at."""

    clock_rate: int
    is_switch_point: IsSwitchPoint


def _always(packet: bytes, offset: int) -> bool:
    return len(packet) > offset


CODECS = {
    "opus": CodecTraits(48_000, _always),  # RFC 7587
    "vp8": CodecTraits(90_000, vp8.is_keyframe),  # RFC 7741
    "vp9": CodecTraits(90_000, vp9.is_keyframe),  # RFC 9628
    "h264": CodecTraits(90_000, h264.is_keyframe),  # RFC 6184
    "av1": CodecTraits(90_000, av1.is_keyframe),
}


def is_switch_point(codec: str, packet: bytes, offset: int) -> bool:
    """Whether a viewer may be switched to the stream at this packet."""
    traits = CODECS.get(codec.lower())
    return traits is not None and traits.is_switch_point(packet, offset)


def audio_level(ext_bytes: bytes) -> tuple[int, bool]:
    """(level below full scale in −dBov, 0 the loudest and 127 silence; voice) by RFC 6464 3.

    An empty element counts as silence.
    """
    if not ext_bytes:
        return 127, False
    return ext_bytes[0] & 0x7F, ext_bytes[0] > 0x7F

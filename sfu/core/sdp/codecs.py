"""Which codecs the server forwards, which of them an m-line is answered with, and what is equal.

The server never decodes, so "supported" means that it knows how to forward the payload format
(keyframes, picture ids). Formats are matched by what they carry, never by payload type number nor
by comparing fmtp text: H264 by profile and packetization mode, VP9 and AV1 by profile. Where a
client publishes it gets exactly one codec, so that all of its layers look alike; where it only
receives it gets all, so that it can watch whatever the others publish.
"""

from __future__ import annotations

import re

import msgspec

from sfu.core.description import Codec, Kind
from sfu.core.sdp.model import Format, Media


class Supported(msgspec.Struct, frozen=True):
    """One payload format that the server forwards."""

    name: str  # canonical spelling
    kind: Kind
    clock_rate: int  # Hz
    channels: int
    repair: bool  # rtx (RFC 4588) is answered where it is offered
    parameters: tuple[str, ...]  # fmtp keys that are answered as offered


# Preferred first: VP8 is the one that every browser has; H264 next for its hardware encoders.
SUPPORTED = (
    Supported("VP8", "video", 90_000, 1, True, ("max-fs", "max-fr")),  # RFC 7741
    Supported(  # RFC 6184
        "H264",
        "video",
        90_000,
        1,
        True,
        ("level-asymmetry-allowed", "packetization-mode", "profile-level-id"),
    ),
    Supported("VP9", "video", 90_000, 1, True, ("profile-id", "max-fs", "max-fr")),  # RFC 9628
    Supported("AV1", "video", 90_000, 1, True, ("profile", "level-idx", "tier")),
    Supported(  # RFC 7587; what the client sends is not our promise: no sprop-*
        "opus",
        "audio",
        48_000,
        2,
        False,
        ("minptime", "maxplaybackrate", "maxaveragebitrate", "stereo", "cbr", "usedtx"),
    ),
)
# The answered rtcp-fb values in the answer's order. Opus is always answered with NACK, which
# browsers accept without having offered it.
FEEDBACK: dict[Kind, tuple[str, ...]] = {
    "video": ("transport-cc", "ccm fir", "nack", "nack pli"),
    "audio": ("transport-cc", "nack"),
}
UNASKED_FEEDBACK: dict[Kind, tuple[str, ...]] = {"video": (), "audio": ("nack",)}

_H264_PROFILES = ("42", "4d", "64")  # baseline, main, high; preferred first (RFC 6184 section 8.1)
_H264_DEFAULT = "420010"  # RFC 6184 section 8.1: without profile-level-id, Baseline level 1
_H264_CONSTRAINED = 0x40  # constraint_set1_flag in the second byte of profile-level-id
_PAYLOAD_TYPE = re.compile(r"[0-9]{1,3}")
_H264_LEVEL_ID = re.compile(r"[0-9a-fA-F]{6}")


class Choice(msgspec.Struct, frozen=True):
    """A codec to answer with and the offered format that it came from."""

    codec: Codec
    offered: Format


def parameters(fmtp: str) -> dict[str, str]:
    """Split fmtp text into its key=value pairs, keys in lower case; the rest is left out."""
    pairs = (part.strip().partition("=") for part in fmtp.split(";"))
    return {key.strip().lower(): value.strip() for key, equals, value in pairs if equals}


def identity(name: str, fmtp: str) -> tuple[str, ...]:
    """Return what two formats must have in common to carry each other's packets."""
    given = parameters(fmtp)
    if name == "H264":
        profile = _h264_level_id(given)[:2].lower()
        return name, profile, given.get("packetization-mode", "0")
    if name == "VP9":
        return name, given.get("profile-id", "0")
    if name == "AV1":
        return name, given.get("profile", "0")
    return (name,)


def matches(one: Codec, other: Codec) -> bool:
    """Whether packets of one codec can be forwarded as the other."""
    return identity(one.name, one.fmtp) == identity(other.name, other.fmtp)


def published(media: Media) -> tuple[Choice, ...]:
    """Return the one codec that a publishing client is answered with, () without one in common."""
    return tuple(sorted(_choices(media), key=_rank)[:1])


def received(media: Media) -> tuple[Choice, ...]:
    """Return all codecs that a receiving client is answered with: VP8, then the client's order."""
    distinct: dict[tuple[str, ...], Choice] = {}
    for choice in _choices(media):
        distinct.setdefault(identity(choice.codec.name, choice.codec.fmtp), choice)
    return tuple(sorted(distinct.values(), key=lambda choice: choice.codec.name != "VP8"))


def answered_feedback(choice: Choice, kind: Kind, transport_cc: bool) -> tuple[str, ...]:
    """Return the rtcp-fb values to answer; transport-cc only with its header extension."""
    wanted = {*choice.offered.feedback, *UNASKED_FEEDBACK[kind]}
    if not transport_cc:
        wanted.discard("transport-cc")
    return tuple(value for value in FEEDBACK[kind] if value in wanted)


def _choices(media: Media) -> list[Choice]:
    repair, redundant = _repair(media), _redundant(media)
    found = ((_supported(entry, media), entry) for entry in media.formats)
    return [
        Choice(_codec(media, known, entry, repair, redundant), entry)
        for known, entry in found
        if known is not None and _is_forwardable(identity(known.name, entry.fmtp))
    ]


def _supported(entry: Format, media: Media) -> Supported | None:
    wanted = (entry.name.lower(), media.kind, entry.clock_rate, entry.channels)
    for known in SUPPORTED:
        if (known.name.lower(), known.kind, known.clock_rate, known.channels) == wanted:
            return known
    return None


def _is_forwardable(key: tuple[str, ...]) -> bool:
    """Whether the profile is one that publishers use: 8 bit 4:2:0."""
    if key[0] == "H264":
        return key[1] in _H264_PROFILES and key[2] in ("0", "1")
    return key[1:] in ((), ("0",))


def _codec(
    media: Media,
    known: Supported,
    entry: Format,
    repair: dict[int, int],
    redundant: dict[int, Format],
) -> Codec:
    red = redundant.get(entry.payload_type) if known.kind == "audio" else None
    return Codec(
        name=known.name,
        clock_rate=known.clock_rate,
        payload_type=entry.payload_type,
        rtx_payload_type=repair.get(entry.payload_type) if known.repair else None,
        fmtp=_answered_fmtp(known, entry),
        red_payload_type=red.payload_type if red else None,
        red_first=red is not None and media.formats.index(red) < media.formats.index(entry),
    )


def _answered_fmtp(known: Supported, entry: Format) -> str:
    given = parameters(entry.fmtp)
    kept = {key: value for key, value in given.items() if _is_plain(value)}
    if known.name == "opus":
        kept = {**kept, "useinbandfec": "1"}
    answered = (*known.parameters, "useinbandfec")
    return ";".join(f"{key}={value}" for key, value in kept.items() if key in answered)


def _is_plain(value: str) -> bool:
    return len(value) <= 64 and value.isascii() and value.isalnum()


def _repair(media: Media) -> dict[int, int]:
    """Return payload type → rtx payload type, by apt (RFC 4588 section 8.1)."""
    found: dict[int, int] = {}
    for entry in media.formats:
        apt = parameters(entry.fmtp).get("apt", "")
        if entry.name.lower() == "rtx" and _PAYLOAD_TYPE.fullmatch(apt):
            found.setdefault(int(apt), entry.payload_type)
    return found


def _redundant(media: Media) -> dict[int, Format]:
    """Return payload type → the RED format that repeats it and nothing else (RFC 2198)."""
    found: dict[int, Format] = {}
    for entry in media.formats:
        repeated = set(entry.fmtp.strip().split("/"))
        only = repeated.pop() if len(repeated) == 1 else ""
        if entry.name.lower() == "red" and _PAYLOAD_TYPE.fullmatch(only):
            found.setdefault(int(only), entry)
    return found


def _rank(choice: Choice) -> tuple[int, int, int, int]:
    """Order codecs for publishing: by the table; H264 by what most viewers can decode."""
    codec = choice.codec
    order = [known.name for known in SUPPORTED].index(codec.name)
    if codec.name != "H264":
        return order, 0, 0, 0
    _, profile, mode = identity(codec.name, codec.fmtp)
    return order, mode != "1", _H264_PROFILES.index(profile), not _is_constrained(codec.fmtp)


def _is_constrained(fmtp: str) -> bool:
    return bool(int(_h264_level_id(parameters(fmtp))[2:4], 16) & _H264_CONSTRAINED)


def _h264_level_id(given: dict[str, str]) -> str:
    """Return profile-level-id; what cannot be read is profile 00, which nobody has."""
    offered = given.get("profile-level-id", _H264_DEFAULT)
    return offered if _H264_LEVEL_ID.fullmatch(offered) else "000000"

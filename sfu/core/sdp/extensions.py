"""Which header extensions an m-line is answered with: one table, always with the client's ids.

Not in the table on purpose: video-orientation (phones then rotate the picture themselves),
abs-send-time and toffset (transport-wide-cc has what we need), playout-delay, color-space,
video-layers-allocation. The dependency descriptor is only for codecs whose layers it describes.
"""

from __future__ import annotations

import msgspec

from sfu.core.description import Extensions, Kind
from sfu.core.sdp.model import MIRRORED, HeaderExtension, Media

ANY_CODEC = ("VP8", "H264", "VP9", "AV1", "opus")
SCALABLE = ("VP9", "AV1")


class Accepted(msgspec.Struct, frozen=True):
    """One header extension that the server uses."""

    field: str  # in Extensions
    uri: str
    kinds: tuple[Kind, ...]
    codecs: tuple[str, ...] = ANY_CODEC  # the m-line's first codec must be one of these


TABLE = (
    Accepted("mid", "urn:ietf:params:rtp-hdrext:sdes:mid", ("audio", "video")),
    Accepted("rid", "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", ("video",)),
    Accepted("repaired_rid", "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id", ("video",)),
    Accepted(
        "transport_cc",
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        ("audio", "video"),
    ),
    Accepted("audio_level", "urn:ietf:params:rtp-hdrext:ssrc-audio-level", ("audio",)),
    Accepted(
        "dependency_descriptor",
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
        ("video",),
        SCALABLE,
    ),
)


def accepted(
    media: Media, codec: str, directions: frozenset[str]
) -> tuple[tuple[HeaderExtension, ...], Extensions]:
    """Return the extensions to answer, mirrored, in the offer's order, and their ids.

    `directions` are the client's ways in which packets flow (`sendonly`, `recvonly`): an extension
    that the client wants only in another way is left out.
    """
    fields = {
        row.uri: row.field for row in TABLE if media.kind in row.kinds and codec in row.codecs
    }
    ids: dict[str, int] = {}
    answered = []
    for offered in media.extensions:
        field = fields.get(offered.uri)
        if field is None or field in ids or not _usable(offered, directions):
            continue
        ids[field] = offered.id
        answered.append(msgspec.structs.replace(offered, direction=MIRRORED[offered.direction]))
    return tuple(answered), Extensions(**ids)


def _usable(offered: HeaderExtension, directions: frozenset[str]) -> bool:
    return offered.direction == "sendrecv" or offered.direction in directions

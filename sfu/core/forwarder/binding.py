"""Which source an unknown ssrc belongs to: MID + RID, then a=ssrc, then a unique payload type.

MID and RID appear only on a stream's first packets; probe padding comes on the rtx ssrc with the
repaired RID and an empty payload (measured, Chromium 156 and Firefox ESR 153).
"""

from __future__ import annotations

from sfu.core.description import Section
from sfu.core.forwarder.model import Publisher, Track
from sfu.core.rtp import header


class Binding:
    """Where a packet belongs: a layer of a track, as media or as its retransmission."""

    __slots__ = ("layer", "rtx", "track")

    def __init__(self, track: Track, layer: int | None, rtx: bool) -> None:
        self.track = track
        self.layer = layer  # None: a probe that names no layer
        self.rtx = rtx


def bind(publisher: Publisher, packet: bytes) -> Binding | None:
    """The packet's place, or None while nothing tells it."""
    payload_type = header.payload_type(packet)
    track = (
        _by_mid(publisher, packet)
        or _by_ssrc(publisher, packet)
        or _by_type(publisher, payload_type)
    )
    if track is None:
        return None
    if any(payload_type in (c.payload_type, c.red_payload_type) for c in track.section.codecs):
        layer = _layer(track.section, packet, track.section.extensions.rid)
        return None if layer is None else Binding(track, layer, rtx=False)
    if any(codec.rtx_payload_type == payload_type for codec in track.section.codecs):
        return Binding(track, _rtx_layer(track.section, packet), rtx=True)
    return None


def _by_mid(publisher: Publisher, packet: bytes) -> Track | None:
    for mid, track in publisher.tracks.items():
        mid_id = track.section.extensions.mid
        if mid_id and header.extension(packet, mid_id) == mid.encode():
            return track
    return None


def _by_ssrc(publisher: Publisher, packet: bytes) -> Track | None:
    ssrc = header.ssrc(packet)
    for track in publisher.tracks.values():
        declared = track.section.ssrcs
        if ssrc in declared or any(ssrc == rtx for _, rtx in track.section.rtx_ssrcs):
            return track
    return None


def _by_type(publisher: Publisher, payload_type: int) -> Track | None:
    having = [
        track
        for track in publisher.tracks.values()
        if any(
            payload_type in (c.payload_type, c.rtx_payload_type, c.red_payload_type)
            for c in track.section.codecs
        )
    ]
    return having[0] if len(having) == 1 else None


def _layer(section: Section, packet: bytes, rid_id: int) -> int | None:
    if not section.rids:
        return 0
    rid = (header.extension(packet, rid_id) or b"").decode("ascii", "replace") if rid_id else ""
    if rid in section.rids:
        return section.rids.index(rid)
    ssrc = header.ssrc(packet)
    return section.ssrcs.index(ssrc) if ssrc in section.ssrcs[: len(section.rids)] else None


def _rtx_layer(section: Section, packet: bytes) -> int | None:
    if not section.rids:
        return 0
    extensions = section.extensions
    layer = _layer(section, packet, extensions.repaired_rid)
    if layer is not None:
        return layer
    ssrc = header.ssrc(packet)
    media = next((media for media, rtx in section.rtx_ssrcs if rtx == ssrc), None)
    return section.ssrcs.index(media) if media in section.ssrcs[: len(section.rids)] else None

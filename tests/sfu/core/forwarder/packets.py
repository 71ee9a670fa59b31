"""Sections, tracks and sources for tests of the forwarder's parts."""

from __future__ import annotations

from sfu.core.description import Codec, Extensions, Kind, Section, SourceRole
from sfu.core.forwarder.model import Publisher, Source, Track, make_ring
from sfu.core.forwarder.rule import HeaderTemplate, Rule, audio_level
from sfu.core.rtp import header, vp8

VP8 = Codec("VP8", 90_000, 96, rtx_payload_type=97)
H264 = Codec("H264", 90_000, 102, rtx_payload_type=103, fmtp="packetization-mode=1")
OPUS = Codec("opus", 48_000, 111)
IDS = Extensions(mid=1, rid=2, repaired_rid=3, transport_cc=4, audio_level=5)
KINDS: dict[SourceRole, Kind] = {"microphone": "audio", "camera": "video", "screen": "video"}


def section(
    mid: str,
    role: SourceRole,
    rids: tuple[str, ...] = (),
    ssrcs: tuple[int, ...] = (),
    rtx_ssrcs: tuple[tuple[int, int], ...] = (),
    codecs: tuple[Codec, ...] | None = None,
    extensions: Extensions = IDS,
) -> Section:
    kind = KINDS[role]
    return Section(
        mid,
        kind,
        codecs or ((OPUS,) if kind == "audio" else (VP8,)),
        extensions,
        receives=True,
        nack=True,
        role=role,
        rids=rids,
        ssrcs=ssrcs,
        rtx_ssrcs=rtx_ssrcs,
    )


def publisher(*sections: Section, peer: str = "bob") -> Publisher:
    made = Publisher(peer, "room")
    for each in sections:
        made.tracks[each.mid] = Track(made, each, [None] * max(1, len(each.rids)))
    return made


def add_source(track: Track, layer: int = 0, ssrc: int = 1, at: float = 0.0) -> Source:
    codec = track.section.codecs[0]
    source = Source(ssrc, track, layer, ssrc, codec, make_ring(track.section))
    source.last_arrival = at
    track.layers[layer] = source
    track.publisher.by_ssrc[ssrc] = source
    return source


def render(rule: Rule, packet: bytes, seq: int, twcc: int) -> bytes:
    """The plain packet that the executor makes of `packet`, put together step by step."""
    end = len(packet) - header.padding_length(packet)
    payload = packet[header.payload_offset(packet) : end]
    if rule.vp8 and payload:
        payload = vp8.rewrite(payload, 0, *rule.vp8_offsets)
    head = HeaderTemplate(rule.extensions, rule.ssrc).fill(
        packet[1] & 0x80 | rule.payload_type,
        seq + rule.seq_offset,
        header.timestamp(packet) + rule.timestamp_offset,
        twcc,
        audio_level(rule, packet),
    )
    return bytes(head) + payload

"""The SDP that the clients of a run write, and what they read of the answer."""

from __future__ import annotations

import re

import msgspec

from bench.packets import AUDIO_TYPE, LEVEL_ID, MID_ID, RTX_TYPE, TWCC_ID, VIDEO_TYPE
from sfu.core.description import Fingerprint

_TWCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
_MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_AUDIO = (
    f"a=extmap:{LEVEL_ID} {_LEVEL}",
    f"a=rtpmap:{AUDIO_TYPE} opus/48000/2",
    f"a=rtcp-fb:{AUDIO_TYPE} transport-cc",
    f"a=fmtp:{AUDIO_TYPE} minptime=10;useinbandfec=1",
)
_VIDEO = (
    f"a=rtpmap:{VIDEO_TYPE} VP8/90000",
    *(f"a=rtcp-fb:{VIDEO_TYPE} {what}" for what in ("transport-cc", "ccm fir", "nack", "nack pli")),
    f"a=rtpmap:{RTX_TYPE} rtx/90000",
    f"a=fmtp:{RTX_TYPE} apt={VIDEO_TYPE}",
)


class Line(msgspec.Struct, frozen=True):
    """One m-line of a client: it sends (with these ssrcs, rtx second) or receives."""

    mid: str
    kind: str  # audio, video
    ssrcs: tuple[int, ...] = ()

    @property
    def sends(self) -> bool:
        return bool(self.ssrcs)


class Answer(msgspec.Struct, frozen=True):
    """What a client needs to know of the server's answer."""

    ufrag: str
    password: str
    fingerprint: Fingerprint
    setup: str  # the server's: active, passive
    address: tuple[str, int]
    ssrcs: dict[str, int]  # mid → the server's media ssrc
    repairs: tuple[int, ...]  # the server's ssrcs of repairs and probes


def write_offer(lines: tuple[Line, ...], ufrag: str, password: str, own: Fingerprint) -> str:
    """The offer of a client with these m-lines, bundled."""
    head = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(line.mid for line in lines),
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{password}",
        f"a=fingerprint:{own.algorithm} {own.value}",
        "a=setup:actpass",
    ]
    return "\r\n".join([*head, *(text for line in lines for text in _section(line))]) + "\r\n"


def _section(line: Line) -> list[str]:
    types = f"{AUDIO_TYPE}" if line.kind == "audio" else f"{VIDEO_TYPE} {RTX_TYPE}"
    group = [f"a=ssrc-group:FID {line.ssrcs[0]} {line.ssrcs[1]}"] if len(line.ssrcs) == 2 else []
    return [
        f"m={line.kind} 9 UDP/TLS/RTP/SAVPF {types}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{line.mid}",
        f"a={'sendonly' if line.sends else 'recvonly'}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=extmap:{MID_ID} {_MID}",
        f"a=extmap:{TWCC_ID} {_TWCC}",
        *(_AUDIO if line.kind == "audio" else _VIDEO),
        *group,
        *(f"a=ssrc:{ssrc} cname:bench" for ssrc in line.ssrcs),
    ]


def read_answer(sdp: str) -> Answer:
    """Raises LookupError where something is missing."""
    candidate = _first(sdp, r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host")
    fingerprint = _first(sdp, r"a=fingerprint:(\S+) (\S+)")
    ssrcs = {}
    for section in sdp.split("\r\nm=")[1:]:
        declared = re.search(r"^a=ssrc:(\d+) ", section, re.MULTILINE)
        if declared:
            ssrcs[_first(section, r"a=mid:(\S+)")[1]] = int(declared[1])
    return Answer(
        ufrag=_first(sdp, r"a=ice-ufrag:(\S+)")[1],
        password=_first(sdp, r"a=ice-pwd:(\S+)")[1],
        fingerprint=Fingerprint(fingerprint[1], fingerprint[2]),
        setup=_first(sdp, r"a=setup:(\S+)")[1],
        address=(candidate[1], int(candidate[2])),
        ssrcs=ssrcs,
        repairs=tuple(map(int, re.findall(r"^a=ssrc-group:FID \d+ (\d+)", sdp, re.MULTILINE))),
    )


def _first(text: str, pattern: str) -> re.Match[str]:
    found = re.search(pattern, text)
    if found is None:
        raise LookupError(f"the answer has no {pattern}")
    return found

"""Write an m-section of an answer: one table of rules each for taken and for refused m-lines.

A rule is a function from the m-line's agreement and the whole answer to zero or more lines; the
tables at the end have the rules in the text's order. Order and repetitions are those that Chromium
and Firefox were measured to accept: ICE, fingerprint, setup and c= in *every* m-section (Firefox's
tab crashes where a later one has no fingerprint), candidates in every one that is taken (where the
first has none both browsers never start), ssrc lines and an FID group wherever we send (without
them Firefox does not repair).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from sfu.core.description import Candidate, Codec, Fingerprint, Section
from sfu.core.sdp.model import Direction, Format
from sfu.core.sdp.negotiate import Agreed, Refused

HOST_PREFERENCE = 126 << 24  # RFC 8445 section 5.1.2.1, type preference of a host candidate
RTP_COMPONENT = 255  # 256 minus component 1
LOCAL_PREFERENCE = 65_535  # of our first candidate, then falling
TCP_PREFERENCE = 90 << 24  # below every UDP candidate (RFC 6544 section 4.2); Chromium's own value
PASSIVE_PREFERENCE = (4 << 13) + 8191  # the same section: 2^13 x direction + other, then falling
Lines = list[str]


class Local(msgspec.Struct, frozen=True):
    """Our side of the connection."""

    ufrag: str
    password: str
    fingerprint: Fingerprint
    candidates: tuple[Candidate, ...]  # preferred first
    session_id: int  # below 2**62, the same for all answers of a connection
    version: int  # rises with each answer
    ssrcs: dict[str, tuple[int, int]]  # mid → (ssrc, rtx ssrc), the same over re-offers
    cname: str


class Whole(msgspec.Struct, frozen=True):
    """The answer as a whole, as the rules see it."""

    agreed: tuple[Agreed, ...]  # never empty
    local: Local
    setup: str  # ours: passive | active


def write_section(each: Agreed | Refused, whole: Whole) -> Lines:
    """Return the lines of one m-section."""
    if isinstance(each, Refused):
        return [line for rule in REFUSED_RULES for line in rule(each, whole)]
    return [line for rule in AGREED_RULES for line in rule(each, whole)]


def _media_line(each: Agreed, _whole: Whole) -> Lines:
    """Port 9 everywhere: port 0 would refuse the m-line."""
    types = " ".join(str(number) for number in _payload_types(each.section))
    return [f"m={each.media.media} 9 {each.media.protocol} {types}"]


def _payload_types(section: Section) -> Iterator[int]:
    """In the client's order of RED and its codec: browsers send redundantly if RED comes first."""
    for codec in section.codecs:
        if codec.red_payload_type is not None and codec.red_first:
            yield codec.red_payload_type
        yield codec.payload_type
        if codec.red_payload_type is not None and not codec.red_first:
            yield codec.red_payload_type
        if codec.rtx_payload_type is not None:
            yield codec.rtx_payload_type


def _refused_line(each: Refused, _whole: Whole) -> Lines:
    """Port 0 without bundle-only; the m-line keeps its place, protocol and first format."""
    return [f"m={each.media.media} 0 {each.media.protocol} {each.media.tokens[0]}"]


def _connection(_each: Agreed | Refused, _whole: Whole) -> Lines:
    """Firefox wants c= in every m-section."""
    return ["c=IN IP4 0.0.0.0"]


def _candidates(_each: Agreed, whole: Whole) -> Lines:
    """With falling priority, and the same in every m-section, as ICE credentials are: RFC 8843
    section 7.1.3 reads them in the first one, aiortc with max-bundle in the last (measured).
    """
    if not whole.local.candidates:
        return []
    lines = [f"a=candidate:{value}" for value in candidate_values(whole.local.candidates)]
    return [*lines, "a=end-of-candidates"]


def candidate_values(candidates: Iterable[Candidate]) -> tuple[str, ...]:
    """Return what stands behind `a=candidate:` (RFC 8839 section 5.1), with falling priority."""
    return tuple(_candidate(rank, one) for rank, one in enumerate(candidates))


def _candidate(rank: int, one: Candidate) -> str:
    if one.transport == "tcp":
        priority = TCP_PREFERENCE + ((PASSIVE_PREFERENCE - rank) << 8) + RTP_COMPONENT
        return f"{rank + 1} 1 tcp {priority} {one.address} {one.port} typ host tcptype passive"
    priority = HOST_PREFERENCE + ((LOCAL_PREFERENCE - rank) << 8) + RTP_COMPONENT
    return f"{rank + 1} 1 udp {priority} {one.address} {one.port} typ host"


def _ice(_each: Agreed | Refused, whole: Whole) -> Lines:
    return [f"a=ice-ufrag:{whole.local.ufrag}", f"a=ice-pwd:{whole.local.password}"]


def _fingerprint(_each: Agreed | Refused, whole: Whole) -> Lines:
    ours = whole.local.fingerprint
    return [f"a=fingerprint:{ours.algorithm} {ours.value}"]


def _setup(_each: Agreed | Refused, whole: Whole) -> Lines:
    return [f"a=setup:{whole.setup}"]


def _mid(each: Agreed | Refused, _whole: Whole) -> Lines:
    return [f"a=mid:{each.media.mid}"] if each.media.has_mid else []


def _extensions(each: Agreed, _whole: Whole) -> Lines:
    """The client's ids; a direction only where it wrote one, mirrored."""
    return [
        f"a=extmap:{one.id}{'' if one.direction == 'sendrecv' else '/' + one.direction} {one.uri}"
        for one in each.extensions
    ]


def _direction(each: Agreed, _whole: Whole) -> Lines:
    """The offer's mirrored, or less of it where the m-line has no purpose."""
    return [f"a={_DIRECTIONS[each.section.receives, each.section.sends]}"]


def _inactive(_each: Refused, _whole: Whole) -> Lines:
    return ["a=inactive"]


def _rtcp(each: Agreed, _whole: Whole) -> Lines:
    """Reduced-size RTCP only where it is offered (RFC 5506 section 5)."""
    return ["a=rtcp-mux", *(["a=rtcp-rsize"] if each.media.rtcp_rsize else [])]


def _codecs(each: Agreed, _whole: Whole) -> Lines:
    """Each codec with its fmtp and feedback, followed by its own rtx and RED."""
    channels = "/2" if each.section.kind == "audio" else ""
    return [
        line
        for codec, feedback in zip(each.section.codecs, each.feedback, strict=True)
        for line in _codec(codec, channels, feedback)
    ]


def _codec(codec: Codec, channels: str, feedback: tuple[str, ...]) -> Lines:
    number, rtx, red = codec.payload_type, codec.rtx_payload_type, codec.red_payload_type
    lines = [f"a=rtpmap:{number} {codec.name}/{codec.clock_rate}{channels}"]
    lines += [f"a=fmtp:{number} {codec.fmtp}"] if codec.fmtp else []
    lines += [f"a=rtcp-fb:{number} {value}" for value in feedback]
    if rtx is not None:
        lines += [f"a=rtpmap:{rtx} rtx/{codec.clock_rate}", f"a=fmtp:{rtx} apt={number}"]
    if red is not None:
        lines += [f"a=rtpmap:{red} red/{codec.clock_rate}{channels}"]
        lines += [f"a=fmtp:{red} {number}/{number}"]
    return lines


def _refused_format(each: Refused, _whole: Whole) -> Lines:
    """Explain the one payload type that the refused m-line still lists."""
    listed = (one for one in each.media.formats if str(one.payload_type) == each.media.tokens[0])
    return [f"a=rtpmap:{one.payload_type} {_encoding(one)}" for one in listed]


def _encoding(one: Format) -> str:
    channels = f"/{one.channels}" if one.channels > 1 else ""
    return f"{one.name}/{one.clock_rate}{channels}"


def _simulcast(each: Agreed, _whole: Whole) -> Lines:
    """All layers in the client's order, paused where it paused them.

    A layer that is missing here is gone for good, and Chromium starts a paused one that is
    answered without its tilde.
    """
    rids = each.section.rids
    paused = {layer.rid for layer in each.media.simulcast if layer.paused}
    layers = [f"a=rid:{rid} recv" for rid in rids]
    streams = ";".join(f"~{rid}" if rid in paused else rid for rid in rids)
    return [*layers, f"a=simulcast:recv {streams}"] if rids else []


def _stream(each: Agreed, _whole: Whole) -> Lines:
    """Audio and video of slot i share the stream s<i>, or their lips cannot be synchronised."""
    section = each.section
    return [f"a=msid:s{section.slot} {section.kind[0]}{section.slot}"] if section.sends else []


def _sources(each: Agreed, whole: Whole) -> Lines:
    """Ours, each in one m-section only, or Chromium refuses the answer."""
    ours = [ssrc for ssrc in (each.section.ssrc, each.section.rtx_ssrc) if ssrc]
    group = [f"a=ssrc-group:FID {ours[0]} {ours[1]}"] if len(ours) == 2 else []
    return [*group, *(f"a=ssrc:{ssrc} cname:{whole.local.cname}" for ssrc in ours)]


_DIRECTIONS: dict[tuple[bool, bool], Direction] = {  # by (we receive, we send)
    (True, True): "sendrecv",
    (True, False): "recvonly",
    (False, True): "sendonly",
    (False, False): "inactive",
}

AGREED_RULES: tuple[Callable[[Agreed, Whole], Lines], ...] = (
    _media_line,
    _connection,
    _candidates,
    _ice,
    _fingerprint,
    _setup,
    _mid,
    _extensions,
    _direction,
    _rtcp,
    _codecs,
    _simulcast,
    _stream,
    _sources,
)

REFUSED_RULES: tuple[Callable[[Refused, Whole], Lines], ...] = (
    _refused_line,
    _connection,
    _ice,
    _fingerprint,
    _setup,
    _mid,
    _inactive,
    _refused_format,
)

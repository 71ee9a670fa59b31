"""Offers written from values and read back, and offers that try to cost more than their length."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.description import Fingerprint
from sfu.core.sdp import attributes
from sfu.core.sdp.lines import MAX_TEXT
from sfu.core.sdp.model import Direction, Format, HeaderExtension, Layer, Media, SdpError
from sfu.core.sdp.parse import parse_offer
from tests.hostile import examples, mutated, peak_bytes, seconds
from tests.sfu.core.sdp.offers import NAMES, refusal, text_of

SESSION = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
HASH = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"
GOLDEN = [text_of(name).encode() for name in NAMES if len(text_of(name)) < 3_000]
TOKEN = "!#$%&'*+-.09AZ^_`az{|}~"
COST_S = 0.15  # CPU; the recorded offer with 30 m-lines takes 0.01

ssrcs = st.integers(0, attributes.MAX_SSRC)
words = st.text(TOKEN, min_size=1, max_size=12)
names = st.text("abcXYZ019_-", min_size=1, max_size=12)
visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
secrets = st.text("abcXYZ019+/", min_size=22, max_size=30)
fingerprints = st.sampled_from(sorted(attributes.FINGERPRINT_BYTES.items())).flatmap(
    lambda kind: st.binary(min_size=kind[1], max_size=kind[1]).map(
        lambda digest: Fingerprint(kind[0], digest.hex(":").upper())
    )
)
directions: st.SearchStrategy[Direction] = st.sampled_from(attributes.DIRECTIONS)
extensions = st.builds(HeaderExtension, st.integers(1, 255), visible, directions)
formats = st.builds(
    Format,
    st.integers(0, 127),
    words,
    st.integers(0, 999_999_999),
    st.integers(1, 999),
    fmtp=st.just("") | visible,
    feedback=st.lists(st.sampled_from(["nack", "nack pli", "x"]), unique=True).map(tuple),
)


@st.composite
def medias(draw: st.DrawFn) -> Media:
    """An m-line that sends and says everything."""
    kind = draw(st.sampled_from(["audio", "video", "application", "text"]))
    entries = draw(st.lists(formats, min_size=1, max_size=5, unique_by=lambda f: f.payload_type))
    pairs = draw(st.lists(st.tuples(ssrcs, ssrcs), max_size=3, unique=True))
    repair = {rtx for _, rtx in pairs}
    alone = [ssrc for ssrc in draw(st.lists(ssrcs, max_size=3)) if ssrc not in repair]
    sources = [*alone, *(media for media, _ in pairs if media not in repair)]
    streams = st.lists(st.builds(Layer, names, st.booleans()), max_size=4)
    return Media(
        index=0,
        mid=draw(words),
        kind=kind if kind != "text" else "other",  # type: ignore[arg-type]
        port=draw(st.integers(0, 65_535)),
        protocol=draw(visible),
        tokens=tuple(str(entry.payload_type) for entry in entries),
        media=kind,
        has_mid=True,
        direction=draw(st.sampled_from(["sendrecv", "sendonly"])),
        bundle_only=draw(st.booleans()),
        group=draw(st.sampled_from([None, 0])),
        ufrag=draw(secrets),
        password=draw(secrets),
        fingerprints=tuple(draw(st.lists(fingerprints, min_size=1, max_size=3, unique=True))),
        setup=draw(st.sampled_from(["actpass", "active", "passive", "holdconn"])),
        rtcp_mux=draw(st.booleans()),
        rtcp_rsize=draw(st.booleans()),
        allow_mixed=True,
        formats=tuple(entries),
        extensions=tuple(draw(st.lists(extensions, max_size=4, unique_by=lambda e: e.id))),
        rids=tuple(draw(st.lists(names, max_size=4, unique=True))),
        simulcast=tuple(draw(streams)),
        ssrcs=tuple(dict.fromkeys(sources)),
        flow_pairs=tuple(pairs),
        msids=tuple(draw(st.lists(st.tuples(visible, visible), max_size=2))),
    )


def written(media: Media) -> str:
    """The m-line as a client would write it, and the session before it."""
    flags = {
        "bundle-only": media.bundle_only,
        "rtcp-mux": media.rtcp_mux,
        "rtcp-rsize": media.rtcp_rsize,
        "extmap-allow-mixed": media.allow_mixed,
        media.direction: True,
    }
    lines = [name for name, there in flags.items() if there]
    lines += [f"mid:{media.mid}", f"ice-ufrag:{media.ufrag}", f"ice-pwd:{media.password}"]
    lines += [f"setup:{media.setup}"]
    lines += [f"fingerprint:{one.algorithm} {one.value}" for one in media.fingerprints]
    for one in media.formats:
        lines.append(f"rtpmap:{one.payload_type} {one.name}/{one.clock_rate}/{one.channels}")
        lines += [f"fmtp:{one.payload_type} {one.fmtp}"] if one.fmtp else []
        lines += [f"rtcp-fb:{one.payload_type} {value}" for value in one.feedback]
    lines += [f"extmap:{one.id}/{one.direction} {one.uri}" for one in media.extensions]
    lines += [f"rid:{rid} send" for rid in media.rids]
    layers = ";".join("~" * layer.paused + layer.rid for layer in media.simulcast)
    lines += [f"simulcast:send {layers}"] if layers else []
    lines += [f"ssrc:{ssrc} cname:c" for ssrc in media.ssrcs]
    lines += [f"ssrc-group:FID {one} {rtx}" for one, rtx in media.flow_pairs]
    lines += [f"msid:{stream} {track}" for stream, track in media.msids]
    group = f"a=group:BUNDLE {media.mid}\r\n" if media.in_bundle else ""
    head = f"m={media.media} {media.port} {media.protocol} {' '.join(media.tokens)}\r\n"
    return SESSION + group + head + "".join(f"a={line}\r\n" for line in lines)


@given(medias())
def test_every_value_of_an_m_line_is_read_back(media: Media) -> None:
    (found,) = parse_offer(written(media)).media
    assert found == media


@examples(150)
@given(mutated(GOLDEN))
def test_changed_offers_are_answered_or_refused(data: bytes) -> None:
    assert re.fullmatch(r"[a-z_]*", refusal(data.decode(errors="replace")))


TYPES = " ".join(map(str, range(128)))
MAPS = "".join(f"a=rtpmap:{number} VP8/90000\r\n" for number in range(128))
LONG = {
    "session fingerprints": SESSION + HASH * 900 + "m=video 9 X 96\r\n" * 64,
    "session extensions": SESSION
    + "".join(f"a=extmap:{n % 255 + 1} urn:{n}\r\n" for n in range(1_000))
    + "m=video 9 X 96\r\n" * 64,
    "feedback for all": SESSION
    + (f"m=video 9 X {TYPES}\r\n" + MAPS + "".join(f"a=rtcp-fb:* {n}\r\n" for n in range(890))) * 6,
    "formats": SESSION + f"m=video 9 X {'96 ' * 1_300}96\r\na=rtpmap:96 VP8/90000\r\n" * 29,
    "groups": SESSION + f"a=group:BUNDLE {'m ' * 1_900}m\r\n" * 28 + "m=video 9 X 96\r\n" * 64,
    "ssrcs": SESSION
    + ("m=video 9 X 96\r\n" + "".join(f"a=ssrc:{n} c\r\n" for n in range(1_000))) * 8,
    "blank lines": SESSION + "\n" * 119_000,
    "parameters": SESSION
    + f"m=video 9 X 96\r\na=rtpmap:96 VP8/90000\r\na=fmtp:96 {';=' * 2_000}\r\n" * 28,
    "spaces": SESSION + f"a=group:{' ' * 4_000}x\u00e9\r\n" * 29,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_the_longest_offer_costs_a_bounded_time_and_memory(name: str) -> None:
    def read(text: bytes) -> str:
        return refusal(text.decode())

    text = LONG[name][:MAX_TEXT].encode()
    assert seconds(read, text) < 3 * COST_S
    assert peak_bytes(read, text) < 256 * MAX_TEXT


def test_what_all_m_lines_share_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = attributes.fingerprint

    def counted(value: str) -> Fingerprint | None:
        read.append(value)
        return original(value)

    monkeypatch.setattr(attributes, "fingerprint", counted)
    parse_offer(SESSION + HASH * 10 + "m=video 9 X 96\r\na=mid:a\r\nm=audio 9 X 0\r\n")
    assert len(read) == 10


def test_a_broken_value_that_all_share_is_refused() -> None:
    with pytest.raises(SdpError, match="extmap"):
        parse_offer(SESSION + "a=extmap:0 urn:a\r\nm=video 9 X 96\r\n")

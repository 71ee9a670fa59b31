"""Whatever text comes, the parser gives an offer or a coded refusal, and soon."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sfu.core.description import Fingerprint
from sfu.core.sdp.lines import MAX_ATTRIBUTES, MAX_LINE, MAX_MEDIA, MAX_TEXT
from sfu.core.sdp.model import HeaderExtension, Layer, Media, SdpError
from sfu.core.sdp.parse import parse_offer
from tests.hostile import examples
from tests.sfu.core.sdp.offers import NAMES, answered_text, refusal, text_of

HASH = ":".join(["AB"] * 32)
SESSION = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
# Small enough that a mutation often hits something that matters.
MUTATED = [text_of(name) for name in NAMES if len(text_of(name)) < 6_000]


def audio(*attributes: str, session: tuple[str, ...] = ()) -> Media:
    """Parse an offer of one audio m-line."""
    head = SESSION + "".join(f"a={line}\r\n" for line in session)
    body = "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n" + "".join(f"a={line}\r\n" for line in attributes)
    return parse_offer(head + body).media[0]


def code_of(text: str) -> str:
    with pytest.raises(SdpError) as caught:
        parse_offer(text)
    assert caught.value.message.endswith(".")
    return caught.value.code


# Values


def test_an_m_line_without_attributes_has_the_defaults() -> None:
    media = audio()
    assert (media.mid, media.has_mid, media.direction) == ("0", False, "sendrecv")
    assert (media.ufrag, media.password, media.setup, media.fingerprints) == ("", "", "", ())
    assert (media.in_bundle, media.rejected, media.formats) == (False, False, ())


def test_the_m_lines_own_attributes_win_over_the_sessions() -> None:
    media = audio("sendonly", "setup:active", session=("recvonly", "setup:passive"))
    assert (media.direction, media.setup) == ("sendonly", "active")
    assert audio(session=("recvonly", "setup:passive")).direction == "recvonly"


def test_a_fingerprint_is_read_in_any_case() -> None:
    media = audio(f"fingerprint:SHA-256 {HASH.lower()}")
    assert media.fingerprints == (Fingerprint("sha-256", HASH),)


def test_a_weak_hash_is_not_trusted() -> None:
    assert audio("fingerprint:sha-1 " + ":".join(["AB"] * 20)).fingerprints == ()


def test_extensions_with_parameters_directions_and_odd_ids() -> None:
    media = audio(
        "extmap:1 urn:a",
        "extmap:2/sendonly urn:b with parameters",
        "extmap:3 urn:ietf:params:rtp-hdrext:encrypt urn:c",
        "extmap:4096 urn:d",
        "extmap:16 urn:e",
        "extmap:1 urn:f",
    )
    assert media.extensions == (
        HeaderExtension(1, "urn:a"),
        HeaderExtension(2, "urn:b", "sendonly"),
    )


def test_large_extension_ids_need_mixed_headers() -> None:
    assert audio("extmap:16 urn:e").extensions == ()
    assert audio("extmap:16 urn:e", "extmap-allow-mixed").extensions[0].id == 16
    assert audio("extmap:16 urn:e", session=("extmap-allow-mixed",)).extensions[0].id == 16


def test_feedback_for_all_payload_types_counts_for_each() -> None:
    media = audio("rtpmap:111 opus/48000/2", "rtcp-fb:* NACK", "rtcp-fb:0 transport-cc")
    assert media.formats[0].feedback == ("nack",)


def test_a_payload_type_that_the_m_line_does_not_list_is_ignored() -> None:
    assert audio("rtpmap:96 VP8/90000").formats == ()


def test_where_a_line_is_repeated_the_first_counts() -> None:
    lines = ("rtpmap:111 opus/48000/2", "rtpmap:111 CN/8000", "fmtp:111 a=1", "fmtp:111 a=2")
    (entry,) = audio(*lines).formats
    assert (entry.name, entry.channels, entry.fmtp) == ("opus", 2, "a=1")


def test_simulcast_takes_the_first_of_alternatives_and_remembers_pauses() -> None:
    media = audio("simulcast:send ~lo;mid,other;hi recv x;y", "rid:lo send pt=111", "rid:x recv")
    assert media.simulcast == (Layer("lo", True), Layer("mid"), Layer("hi"))
    assert media.rids == ("lo",)


def test_only_flow_groups_of_two_pair_sources() -> None:
    media = audio(
        "ssrc-group:FID 1 2", "ssrc-group:SIM 1 3 5", "ssrc-group:FID 7", "ssrc:1 cname:c"
    )
    assert (media.ssrcs, media.flow_pairs) == ((1,), ((1, 2),))


def test_only_bundle_groups_bundle() -> None:
    assert not audio("mid:a", session=("group:LS a",)).in_bundle
    assert audio("mid:a", session=("group:LS a", "group:BUNDLE a")).in_bundle


def test_bundle_only_without_a_bundle_does_not_revive_port_0() -> None:
    text = SESSION + "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=bundle-only\r\n"
    assert parse_offer(text).media[0].rejected


# Refusals


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_sdp"),
        ("v=1\r\n", "not_sdp"),
        ("o=- 1 1 IN IP4 0.0.0.0\r\nv=0\r\n", "not_sdp"),
        ("hello", "bad_line"),
        (SESSION + "attribute\r\n", "bad_line"),
        ("v=0\r\ns=-\r\n", "bad_attribute"),
        (SESSION + "m=audio\r\n", "bad_attribute"),
        (SESSION + "m=audio 65536 RTP/SAVPF 0\r\n", "bad_attribute"),
        (SESSION + "m=audio 9 RTP/SAVPF\r\n", "bad_attribute"),
        (SESSION + "m=audio 9 RTP/SAVPF 0\r\na=mid:\r\n", "bad_attribute"),
        (SESSION + "m=audio 9 RTP/SAVPF 0\r\na=mid:a b\r\n", "bad_attribute"),
        (
            SESSION + "m=audio 9 RTP/SAVPF 0\r\na=mid:a\r\nm=audio 9 X 0\r\na=mid:a\r\n",
            "duplicate_mid",
        ),
        (SESSION + "m=audio 9 RTP/SAVPF 0\r\n" * (MAX_MEDIA + 1), "too_many_media"),
        (SESSION + "a=x\r\n" * (MAX_ATTRIBUTES + 1), "too_many_attributes"),
        (SESSION + "a=" + "x" * MAX_LINE, "too_long"),
    ],
)
def test_a_text_that_is_no_offer_is_refused(text: str, code: str) -> None:
    assert code_of(text) == code


@pytest.mark.parametrize(
    "attribute",
    [
        "rtpmap:128 opus/48000/2",
        "rtpmap:\u0661\u0661\u0661 opus/48000/2",
        "rtpmap:111 opus",
        "fmtp:111",
        "fmtp:x y",
        "rtcp-fb:111",
        "extmap:0 urn:a",
        "extmap:1",
        "extmap:1/both urn:a",
        "rid:q up",
        "simulcast:send",
        "simulcast:send q;;f",
        "ssrc:4294967296 cname:c",
        "ssrc:-1 cname:c",
        "ssrc-group:FID 1 4294967296",
        "ice-ufrag:abc",
        "ice-pwd:short",
        "setup:later",
        "fingerprint:sha-256 AB:CD",
        "fingerprint:sha-256 zz",
        "msid:",
    ],
)
def test_a_value_that_we_use_must_be_right(attribute: str) -> None:
    with pytest.raises(SdpError) as caught:
        audio(attribute)
    assert caught.value.code == "bad_attribute"


def test_a_refusal_repeats_nothing_of_the_offer() -> None:
    with pytest.raises(SdpError) as caught:
        audio("ice-pwd:secret")
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "attribute",
    ["candidate:nonsense", "crypto:1 x", "ssrc:1", "msid-semantic:", "rtcp-xr:", "future", ":", ""],
)
def test_what_we_do_not_use_may_be_anything(attribute: str) -> None:
    assert audio(attribute).port == 9


def test_a_megabyte_is_refused_before_it_is_looked_at() -> None:
    assert code_of("\x00" * 1_000_000) == "too_long"
    assert code_of("v=0\n" * 300_000) == "too_long"
    assert len(text_of("chromium-156-many-mlines-30")) < MAX_TEXT


# Mutations


@st.composite
def changed_lines(draw: st.DrawFn) -> str:
    """A recorded offer with lines deleted, doubled, cut, swapped or moved in from another one."""
    lines = draw(st.sampled_from(MUTATED)).split("\r\n")
    other = draw(st.sampled_from(MUTATED)).split("\r\n")
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        cut = draw(st.integers(0, len(lines[at])))
        kinds: dict[str, list[str]] = {
            "delete": [],
            "double": [lines[at]] * 2,
            "cut": [lines[at][:cut]],
            "foreign": [draw(st.sampled_from(other))],
            "filled": [lines[at][:cut] + draw(st.text(max_size=8)) + lines[at][cut:]],
            "numbers": [re.sub(r"[0-9]+", draw(st.sampled_from(["0", "99999", "-1"])), lines[at])],
        }
        lines[at : at + 1] = kinds[draw(st.sampled_from(sorted(kinds)))]
        lines = lines or [""]
    return "\r\n".join(lines)


@st.composite
def changed_characters(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(MUTATED))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(text) - 1))
        length = draw(st.integers(0, 3))
        text = text[:at] + draw(st.text(max_size=3)) + text[at + length :]
        text = text or "v"
    return text


@examples(300)
@given(changed_lines() | changed_characters() | st.text())
@example("v=0\n" + "m=audio 9 X 0\n" * MAX_MEDIA)
@example(SESSION + "\r\n".join("a=group:BUNDLE " + "a " * 50 for _ in range(900)))
def test_any_text_is_answered_or_refused_with_a_code(text: str) -> None:
    code = refusal(text)
    assert re.fullmatch(r"[a-z_]*", code)


@examples(100)
@given(changed_lines())
def test_no_text_of_the_client_breaks_out_of_its_line(text: str) -> None:
    if refusal(text):
        return
    for line in answered_text(text).sdp.split("\r\n")[:-1]:
        assert re.fullmatch(r"[a-z]=[ -~]*", line)

"""Codecs are equal by what they carry: profile and mode, never number or spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.description import Codec
from sfu.core.sdp import codecs
from sfu.core.sdp.model import Media
from sfu.core.sdp.parse import parse_offer

SESSION = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"


def media(kind: str, *lines: str) -> Media:
    """Parse an m-line whose payload types are those of its rtpmap lines."""
    types = [line.split(":")[1].split()[0] for line in lines if line.startswith("rtpmap:")]
    body = "".join(f"a={line}\r\n" for line in lines)
    return parse_offer(f"{SESSION}m={kind} 9 RTP/SAVPF {' '.join(types)}\r\n{body}").media[0]


def h264(number: int, fmtp: str) -> tuple[str, str]:
    return f"rtpmap:{number} H264/90000", f"fmtp:{number} {fmtp}"


def names(choices: tuple[codecs.Choice, ...]) -> list[str]:
    return [choice.codec.name for choice in choices]


def numbers(choices: tuple[codecs.Choice, ...]) -> list[int]:
    return [choice.codec.payload_type for choice in choices]


ALL_VIDEO = (
    "rtpmap:45 AV1/90000",
    "rtpmap:98 VP9/90000",
    *h264(102, "packetization-mode=1;profile-level-id=42e01f"),
    "rtpmap:96 VP8/90000",
)


def test_a_publisher_gets_the_most_widely_decoded_codec() -> None:
    assert names(codecs.published(media("video", *ALL_VIDEO))) == ["VP8"]
    assert names(codecs.published(media("video", *ALL_VIDEO[:4]))) == ["H264"]
    assert names(codecs.published(media("video", *ALL_VIDEO[:2]))) == ["VP9"]
    assert names(codecs.published(media("video", *ALL_VIDEO[:1]))) == ["AV1"]
    assert codecs.published(media("video", "rtpmap:49 H265/90000")) == ()


def test_a_viewer_gets_vp8_and_then_its_own_order() -> None:
    assert names(codecs.received(media("video", *ALL_VIDEO))) == ["VP8", "AV1", "VP9", "H264"]


def test_a_publisher_of_h264_gets_what_most_viewers_decode() -> None:
    offered = (
        *h264(102, "packetization-mode=1;profile-level-id=640c1f"),
        *h264(104, "profile-level-id=42e01f"),
        *h264(106, "packetization-mode=1;profile-level-id=42001f"),
        *h264(108, "packetization-mode=1;profile-level-id=42E01F"),
    )
    assert numbers(codecs.published(media("video", *offered))) == [108]
    assert numbers(codecs.published(media("video", *offered[:6]))) == [106]
    assert numbers(codecs.published(media("video", *offered[:4]))) == [102]


def test_a_viewer_of_h264_gets_each_profile_and_mode_once() -> None:
    offered = (
        *h264(102, "packetization-mode=1;profile-level-id=42001f"),
        *h264(104, "packetization-mode=1;profile-level-id=42e01f"),
        *h264(106, "packetization-mode=0;profile-level-id=42e01f"),
        *h264(108, "packetization-mode=1;profile-level-id=64001f"),
    )
    assert numbers(codecs.received(media("video", *offered))) == [102, 106, 108]


@pytest.mark.parametrize(
    "fmtp",
    [
        "profile-level-id=f4001f",
        "profile-level-id=42",
        "profile-level-id=zz001f",
        "packetization-mode=2",
    ],
)
def test_h264_that_nobody_publishes_is_not_taken(fmtp: str) -> None:
    assert codecs.received(media("video", *h264(102, fmtp))) == ()


def test_h264_without_parameters_is_baseline_in_mode_0() -> None:
    bare = media("video", "rtpmap:97 H264/90000")
    assert codecs.published(bare)[0].codec.fmtp == ""
    assert codecs.identity("H264", "") == ("H264", "42", "0")


def test_only_8_bit_profiles_of_vp9_and_av1_are_taken() -> None:
    offered = (
        "rtpmap:98 VP9/90000",
        "fmtp:98 profile-id=2",
        "rtpmap:100 VP9/90000",
        "fmtp:100 profile-id=0",
        "rtpmap:45 AV1/90000",
        "fmtp:45 profile=1",
    )
    assert numbers(codecs.received(media("video", *offered))) == [100]


def test_rtx_belongs_to_the_codec_that_its_apt_names() -> None:
    offered = (
        "rtpmap:96 VP8/90000",
        "rtpmap:97 rtx/90000",
        "fmtp:97 apt=100",
        "rtpmap:98 RTX/90000",
        "fmtp:98 apt=96;rtx-time=3000",
        "rtpmap:99 rtx/90000",
        "fmtp:99 apt=nonsense",
    )
    assert codecs.published(media("video", *offered))[0].codec.rtx_payload_type == 98


def test_names_are_matched_in_any_case_and_written_in_one() -> None:
    assert names(codecs.published(media("video", "rtpmap:96 vp8/90000"))) == ["VP8"]
    assert names(codecs.published(media("audio", "rtpmap:97 OPUS/48000/2"))) == ["opus"]


@pytest.mark.parametrize("line", ["opus/48000", "opus/16000/2", "VP8/90000", "PCMU/8000"])
def test_audio_is_opus_in_stereo_at_48_khz(line: str) -> None:
    assert codecs.published(media("audio", f"rtpmap:96 {line}")) == ()


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        ("minptime=10;useinbandfec=1", "minptime=10;useinbandfec=1"),
        ("useinbandfec=0;stereo=1", "useinbandfec=1;stereo=1"),
        ("sprop-stereo=1;sprop-maxcapturerate=48000", "useinbandfec=1"),
        ("stereo=a b;cbr=<x>;usedtx", "useinbandfec=1"),
        ("Stereo = 1 ; ", "stereo=1;useinbandfec=1"),
    ],
)
def test_opus_is_answered_with_the_clients_wishes_and_error_correction(
    offered: str, answered: str
) -> None:
    opus = media("audio", "rtpmap:111 opus/48000/2", f"fmtp:111 {offered}")
    assert codecs.published(opus)[0].codec.fmtp == answered


def test_feedback_is_what_was_offered_in_our_order_and_nack_on_audio() -> None:
    video = media(
        "video",
        "rtpmap:96 VP8/90000",
        "rtcp-fb:96 goog-remb",
        "rtcp-fb:96 nack pli",
        "rtcp-fb:96 nack",
        "rtcp-fb:96 transport-cc",
    )
    (choice,) = codecs.published(video)
    assert codecs.answered_feedback(choice, "video", True) == ("transport-cc", "nack", "nack pli")
    assert codecs.answered_feedback(choice, "video", False) == ("nack", "nack pli")
    (opus,) = codecs.published(media("audio", "rtpmap:111 opus/48000/2"))
    assert codecs.answered_feedback(opus, "audio", True) == ("nack",)


def codec(name: str, payload_type: int, fmtp: str) -> Codec:
    return Codec(name=name, clock_rate=90_000, payload_type=payload_type, fmtp=fmtp)


def test_codecs_of_two_clients_match_by_what_they_carry() -> None:
    one = codec(
        "H264", 102, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
    )
    other = codec("H264", 39, "profile-level-id=420015;packetization-mode=1")
    assert codecs.matches(one, other)
    assert not codecs.matches(one, codec("H264", 102, "profile-level-id=42e01f"))
    assert not codecs.matches(one, codec("VP8", 102, ""))
    assert codecs.matches(codec("VP9", 98, "profile-id=0"), codec("VP9", 121, "max-fs=12288"))
    assert not codecs.matches(codec("VP9", 98, "profile-id=2"), codec("VP9", 121, ""))
    assert codecs.matches(codec("VP8", 96, ""), codec("VP8", 120, "max-fs=12288;max-fr=60"))


@given(st.text())
def test_any_fmtp_can_be_read(fmtp: str) -> None:
    for known in codecs.SUPPORTED:
        assert codecs.identity(known.name, fmtp)[0] == known.name

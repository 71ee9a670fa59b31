"""What real clients write, and what must come of it: one test for each oddity on record."""

from __future__ import annotations

import re

import pytest

from sfu.core.description import Section
from sfu.core.sdp.answer import answer, default_layout, sending_mids
from sfu.core.sdp.parse import parse_offer
from tests.sfu.core.sdp.local import local_for
from tests.sfu.core.sdp.offers import (
    ANSWERED,
    NAMES,
    answered,
    answered_text,
    media,
    offer,
    read,
    section,
    text_of,
    values,
)

CHROMIUM_CALL = "chromium-156-slots-3send-7recv-max-bundle"
FIREFOX_CALL = "firefox-esr-153-slots-3send-7recv-max-bundle"


def typed(name: str, mid: str) -> Section:
    return next(each for each in answered(name).connection.sections if each.mid == mid)


def mids_of(name: str) -> list[str]:
    return [each.mid for each in answered(name).connection.sections]


# Which m-lines are live


@pytest.mark.parametrize(
    "name", [FIREFOX_CALL, "gstreamer-webrtcbin-1.22.0-whip-sendonly-nack-ulpfec"]
)
def test_port_0_with_bundle_only_is_live(name: str) -> None:
    assert [each.port for each in offer(name).media[1:]] == [0] * (len(offer(name).media) - 1)
    assert mids_of(name) == [each.mid for each in offer(name).media]


@pytest.mark.parametrize("client", ["chromium-156", "firefox-esr-153"])
def test_a_stopped_m_line_is_answered_with_port_0_outside_of_bundle(client: str) -> None:
    name = f"{client}-stopped-transceiver-port0"
    assert media(name, "1").rejected
    assert section(name, "1")[0].startswith("m=video 0 ")
    assert values(read(name).session, "group") == ["BUNDLE 0"]
    assert mids_of(name) == ["0"]


def test_a_stopped_m_line_may_be_bare() -> None:
    bare = media("firefox-esr-153-stopped-first-mline", "0")
    assert (bare.ufrag, bare.setup, bare.rtcp_mux) == ("", "", False)
    assert values(section("firefox-esr-153-stopped-first-mline", "0"), "rtpmap") == ["0 PCMU/8000"]


@pytest.mark.parametrize("client", ["chromium-156", "firefox-esr-153"])
def test_the_bundle_tag_moves_when_the_first_m_line_stops(client: str) -> None:
    name = f"{client}-stopped-first-mline"
    assert values(read(name).session, "group") == ["BUNDLE 1"]
    assert not values(section(name, "0"), "candidate")
    assert values(section(name, "1"), "candidate")


def test_the_only_m_line_may_have_any_mid() -> None:
    assert mids_of("ffmpeg-8.1.2-whip-publish-video-only") == ["1"]
    assert values(read("ffmpeg-8.1.2-whip-publish-video-only").session, "group") == ["BUNDLE 1"]


@pytest.mark.parametrize("client", ["chromium-156", "firefox-esr-153"])
def test_a_stopped_m_line_comes_back_with_a_new_mid(client: str) -> None:
    reused = [each.mid for each in offer(f"{client}-stopped-transceiver-mline-reused").media]
    stopped = [each.mid for each in offer(f"{client}-stopped-transceiver-port0").media]
    assert len(reused) == len(stopped)
    assert reused != stopped
    assert mids_of(f"{client}-stopped-transceiver-mline-reused") == reused


def test_a_data_channel_between_media_is_refused_and_the_rest_is_taken() -> None:
    name = "chromium-156-reoffer-after-answering-aiortc-offer"
    assert section(name, "2")[0] == "m=application 0 UDP/DTLS/SCTP webrtc-datachannel"
    assert mids_of(name) == ["0", "1", "3", "4"]


def test_without_bundle_the_first_m_line_alone_is_taken() -> None:
    name = "gstreamer-webrtcbin-1.22.0-sendrecv-av-no-bundle"
    assert mids_of(name) == ["video0"]
    assert not values(read(name).session, "group")
    assert sending_mids(offer(name)) == ("video0",)


def test_inactive_m_lines_are_kept_ready() -> None:
    sections = answered("chromium-156-inactive-mlines").connection.sections
    assert [(each.receives, each.sends) for each in sections] == [(False, False)] * 2


# The transport


@pytest.mark.parametrize("name", [n for n in ANSWERED if n.startswith(("firefox", "node-data"))])
def test_a_session_level_fingerprint_serves_every_m_line(name: str) -> None:
    head = text_of(name).split("m=")[0]
    assert head.count("a=fingerprint:") == 1
    prints = {each.fingerprints for each in offer(name).media}
    assert len(prints) == 1
    assert answered(name).connection.fingerprints == prints.pop()


def test_ice_and_setup_may_stand_at_session_level() -> None:
    text = text_of("node-datachannel-0.33.4-whip-sendonly-h264-opus")
    moved = ("a=ice-ufrag:", "a=ice-pwd:", "a=setup:")
    lines = text.split("\r\n")
    up = list(dict.fromkeys(line for line in lines if line.startswith(moved)))
    rest = [line for line in lines if not line.startswith(moved)]
    changed = "\r\n".join([*rest[:4], *up, *rest[4:]])
    assert answered_text(changed) == answered_text(text)


@pytest.mark.parametrize("name", NAMES)
def test_active_and_actpass_clients_start_dtls_and_passive_ones_wait(name: str) -> None:
    if name not in ANSWERED:
        return
    passive = "\r\na=setup:passive\r\n" in text_of(name)
    assert answered(name).connection.dtls_role == ("client" if passive else "server")


def test_ffmpeg_is_passive_unless_told_otherwise() -> None:
    assert answered("ffmpeg-8.1.2-whip-publish-audio-only").connection.dtls_role == "client"
    assert answered("ffmpeg-8.1.2-whip-publish-dtls-active").connection.dtls_role == "server"


@pytest.mark.parametrize("name", ANSWERED)
def test_candidates_of_the_client_change_nothing(name: str) -> None:
    text = re.sub(r"a=(candidate|end-of-candidates)[^\n]*\n", "", text_of(name))
    is_call = "-slots-3send-7recv-" in name
    assert answered_text(text, is_call) == answered(name)


def test_all_three_fingerprints_of_aiortc_are_kept() -> None:
    prints = answered("aiortc-1.16.0-sendrecv-max-bundle").connection.fingerprints
    assert [each.algorithm for each in prints] == ["sha-256", "sha-384", "sha-512"]


@pytest.mark.parametrize("client", ["chromium-156", "firefox-esr-153"])
def test_a_restart_changes_ice_and_nothing_else(client: str) -> None:
    before, after = (f"{client}-restart-offer-{when}" for when in ("before", "after"))
    assert offer(after).session_id == offer(before).session_id
    assert offer(after).version > offer(before).version
    one, two = answered(before).connection, answered(after).connection
    assert one.remote_ufrag != two.remote_ufrag
    assert one.remote_password != two.remote_password
    assert one.fingerprints == two.fingerprints
    assert one.sections == two.sections


def test_the_origin_of_an_offer_is_no_identity() -> None:
    ids = {offer(name).session_id for name in NAMES if name.startswith("ffmpeg")}
    assert len(ids) == 1


# Codecs and payload types


@pytest.mark.parametrize(
    ("name", "mid", "payload_type"),
    [
        ("aiortc-1.16.0-whip-sendonly", "0", 96),
        ("firefox-esr-153-whip-sendonly", "0", 109),
        ("chromium-156-whip-sendonly", "0", 111),
        ("werift-0.24.4-whip-sendonly", "0", 96),
        ("simple-whip-client-20240308-whip-publish-vp8-trickle", "audio1", 100),
    ],
)
def test_opus_keeps_the_clients_payload_type_and_gets_our_spelling(
    name: str, mid: str, payload_type: int
) -> None:
    (codec,) = typed(name, mid).codecs
    assert (codec.name, codec.payload_type, codec.clock_rate) == ("opus", payload_type, 48_000)
    assert values(section(name, mid), "rtpmap")[0] == f"{payload_type} opus/48000/2"


def test_sound_is_answered_with_redundancy_where_it_is_offered() -> None:
    assert values(section("chromium-156-whip-sendonly", "0"), "rtpmap")[1:] == ["63 red/48000/2"]
    assert "63 111/111" in values(section("chromium-156-whip-sendonly", "0"), "fmtp")
    assert len(values(section("firefox-esr-153-whip-sendonly", "0"), "rtpmap")) == 1


def test_redundancy_comes_first_where_the_client_has_it_first() -> None:
    text = text_of("chromium-156-whip-sendonly")
    swapped = text.replace("SAVPF 111 63 ", "SAVPF 63 111 ")
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n" in answered_text(text).sdp
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n" in answered_text(swapped).sdp


def test_rtx_in_capitals_counts() -> None:
    text = text_of("chromium-156-whip-sendonly").replace("rtx/90000", "RTX/90000")
    assert answered_text(text) == answered("chromium-156-whip-sendonly")


def test_payload_types_belong_to_their_m_line() -> None:
    name = "firefox-esr-153-reoffer-after-answering-chromium-offer"
    assert typed(name, "1").codecs[0].payload_type == 96
    assert typed(name, "2").codecs[0].payload_type == 120
    names = {f.payload_type: f.name for f in media(name, "1").formats}
    assert names[120] != "VP8"


def test_dynamic_payload_types_below_64_are_kept() -> None:
    types = {c.name: c.payload_type for c in typed("chromium-156-whep-recvonly", "0").codecs}
    assert types["AV1"] == 45


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("ffmpeg-8.1.2-whip-publish-h264-high-opus", "64001e"),
        ("ffmpeg-8.1.2-whip-publish-h264-baseline-opus", "42001e"),
    ],
)
def test_ffmpegs_only_h264_is_taken_whatever_its_profile(name: str, profile: str) -> None:
    (codec,) = typed(name, "1").codecs
    assert codec.name == "H264"
    assert f"profile-level-id={profile}" in codec.fmtp
    assert codec.rtx_payload_type == 105


def test_opus_without_fmtp_is_answered_with_error_correction() -> None:
    name = "ffmpeg-8.1.2-whip-publish-audio-only"
    assert values(section(name, "0"), "fmtp") == ["111 useinbandfec=1"]


def test_what_h264_says_of_the_clients_stream_is_not_repeated() -> None:
    name = "simple-whip-client-20240308-whip-publish-h264-no-trickle"
    assert "sprop-parameter-sets" in text_of(name)
    assert "sprop" not in answered(name).sdp


def test_codecs_that_we_do_not_forward_are_skipped() -> None:
    name = "node-datachannel-0.33.4-whip-sendonly-multi-codec"
    assert "H265" in {each.name for each in media(name, "1").formats}
    assert [codec.name for codec in typed(name, "1").codecs] == ["VP8"]


def test_audio_is_never_repaired_by_rtx() -> None:
    name = "gstreamer-webrtcbin-1.22.0-whip-sendonly-nack-ulpfec"
    assert "rtx" in {each.name.lower() for each in media(name, "audio1").formats}
    assert typed(name, "audio1").codecs[0].rtx_payload_type is None


def test_a_publisher_gets_one_codec_and_a_viewer_all() -> None:
    assert [codec.name for codec in typed(CHROMIUM_CALL, "1").codecs] == ["VP8"]
    watched = [codec.name for codec in typed(CHROMIUM_CALL, "4").codecs]
    assert watched[0] == "VP8"
    assert set(watched) == {"VP8", "H264", "VP9", "AV1"}
    assert [codec.name for codec in typed(FIREFOX_CALL, "4").codecs] == ["VP8", "VP9", "AV1"]


def test_a_client_that_only_has_h264_publishes_it() -> None:
    (codec,) = typed("chromium-156-h264-only-simulcast", "0").codecs
    assert codec.name == "H264"
    assert "packetization-mode=1" in codec.fmtp
    assert "profile-level-id=42e01f" in codec.fmtp


# Header extensions


def test_extension_ids_belong_to_the_offer() -> None:
    text = text_of("chromium-156-vp9-svc-l3t3key")
    only = re.sub(r"(m=video 9? ?\d* ?UDP/TLS/RTP/SAVPF )[^\r]*", r"\g<1>98 99", text)
    (video,) = answered_text(only).connection.sections
    assert video.codecs[0].name == "VP9"
    assert video.extensions.dependency_descriptor == 13
    assert "a=extmap-allow-mixed" in answered_text(only).sdp


def test_the_dependency_descriptor_is_only_for_codecs_with_layers() -> None:
    assert typed("chromium-156-vp9-svc-l3t3key", "0").codecs[0].name == "VP8"
    assert typed("chromium-156-vp9-svc-l3t3key", "0").extensions.dependency_descriptor == 0
    assert typed(CHROMIUM_CALL, "1").extensions.dependency_descriptor == 0


def test_two_byte_ids_and_encrypted_extensions_do_no_harm() -> None:
    name = "chromium-156-all-header-extensions"
    assert max(one.id for each in offer(name).media for one in each.extensions) > 14
    assert "encrypt" in text_of(name)
    assert "encrypt" not in answered(name).sdp


def test_phones_rotate_their_own_picture() -> None:
    assert "video-orientation" in text_of(CHROMIUM_CALL)
    assert "video-orientation" not in answered(CHROMIUM_CALL).sdp


def test_firefox_sends_rids_and_we_receive_them() -> None:
    extmaps = values(section(FIREFOX_CALL, "1"), "extmap")
    assert "9/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" in extmaps
    assert typed(FIREFOX_CALL, "1").extensions.rid == 9
    assert typed(FIREFOX_CALL, "4").extensions.rid == 0


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith(("ffmpeg", "node", "werift"))])
def test_m_lines_without_extensions_are_answered_without(name: str) -> None:
    if name not in ANSWERED:
        return
    sections = answered(name).connection.sections
    assert {each.extensions.transport_cc for each in sections} == {0}
    assert "transport-cc" not in answered(name).sdp


# Sources, streams and layers


def test_chromiums_layers_come_by_rid_alone() -> None:
    camera = typed(CHROMIUM_CALL, "1")
    assert camera.rids == ("q", "h", "f")
    assert (camera.ssrcs, camera.rtx_ssrcs) == ((), ())


def test_firefoxs_layers_come_by_rid_and_by_ssrc() -> None:
    camera = typed(FIREFOX_CALL, "1")
    assert camera.rids == ("q", "h", "f")
    assert len(camera.ssrcs) == 3
    assert [pair[0] for pair in camera.rtx_ssrcs] == list(camera.ssrcs)


def test_a_paused_layer_is_kept_and_stays_paused() -> None:
    name = "chromium-156-simulcast-2rids-inactive-layer"
    assert typed(name, "0").rids == ("lo", "hi")
    assert values(section(name, "0"), "simulcast") == ["recv ~lo;hi"]


def test_a_sendrecv_m_line_may_have_layers() -> None:
    name = "chromium-156-simulcast-vp8-qhf-sendrecv"
    camera = typed(name, "0")
    assert (camera.receives, camera.sends, camera.rids) == (True, True, ("q", "h", "f"))
    assert len(camera.codecs) == 1


def test_an_rtx_ssrc_needs_no_line_of_its_own() -> None:
    video = typed("ffmpeg-8.1.2-whip-publish-h264-high-opus", "1")
    ((source, repair),) = video.rtx_ssrcs
    assert video.ssrcs == (source,)
    assert f"a=ssrc:{repair}" not in text_of("ffmpeg-8.1.2-whip-publish-h264-high-opus")


@pytest.mark.parametrize("client", ["chromium-156", "firefox-esr-153"])
def test_ssrc_lines_where_the_client_only_receives_are_no_stream(client: str) -> None:
    name = f"{client}-removetrack-direction-change"
    assert "a=ssrc:" in text_of(name).split("m=video")[1]
    assert (media(name, "1").ssrcs, media(name, "1").flow_pairs) == ((), ())
    assert not typed(name, "1").receives


@pytest.mark.parametrize("name", [n for n in NAMES if "msid-two-streams-and-none" in n])
def test_streams_of_the_client_may_be_none_or_two(name: str) -> None:
    audio, video = offer(name).media
    assert [stream for stream, _ in audio.msids] == ["-"]
    assert len(video.msids) == 2


def test_a_client_without_streams_is_answered_too() -> None:
    assert not any(each.msids for each in offer("werift-0.24.4-whip-sendonly").media)
    assert mids_of("werift-0.24.4-whip-sendonly") == ["0", "1"]


def test_the_slots_pair_audio_and_video_in_one_stream() -> None:
    streams = [values(section(CHROMIUM_CALL, str(mid)), "msid") for mid in range(3, 10)]
    wanted = ["s0 a0", "s0 v0", "s1 a1", "s1 v1", "s2 a2", "s2 v2", "s3 v3"]
    assert [value for (value,) in streams] == wanted


# The text


@pytest.mark.parametrize("name", ANSWERED)
def test_line_ends_and_a_missing_last_one_change_nothing(name: str) -> None:
    text = text_of(name)
    is_call = "-slots-3send-7recv-" in name
    unix = text.replace("\r\n", "\n")
    assert answered_text(unix, is_call) == answered(name)
    assert answered_text(unix.removesuffix("\n"), is_call) == answered(name)
    assert answered_text(text + "\r\n", is_call) == answered(name)


def test_thirty_m_lines_are_no_problem() -> None:
    name = "chromium-156-many-mlines-30"
    assert len(text_of(name)) > 64 * 1024
    assert len(mids_of(name)) == 30


@pytest.mark.parametrize("name", ANSWERED)
def test_the_same_offer_is_answered_the_same_way(name: str) -> None:
    parsed = parse_offer(text_of(name))
    local = local_for(parsed)
    layout = default_layout(parsed)
    assert answer(parsed, layout, local) == answer(parsed, layout, local)

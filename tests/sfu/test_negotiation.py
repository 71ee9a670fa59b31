"""From an offer to an answer and a typed connection, without a memory."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.api import WorkerInfo
from sfu.core.description import Candidate, Connection, Fingerprint
from sfu.core.sdp.model import SdpError
from sfu.core.sdp.parse import parse_offer
from sfu.negotiation import negotiate, negotiate_publisher, negotiate_viewer, restarted
from tests.sfu.core.sdp.offers import CALL_PUBLISH, CALL_SLOTS, NAMES, THIRD_PARTY, text_of

INFO = WorkerInfo(
    candidates=(Candidate("192.0.2.1", 8443),),
    fingerprint=Fingerprint("sha-256", ":".join(["CD"] * 32)),
    secret=b"s" * 32,
)
OTHER_WORKER = WorkerInfo(INFO.candidates, INFO.fingerprint, b"t" * 32)
CALLS = [name for name in NAMES if "-slots-3send-7recv-" in name]
OFFER = text_of(CALLS[0])
ROLES = {role: mid for mid, role in CALL_PUBLISH.items()}


def connect(sdp: str, peer: str = "alice", info: WorkerInfo = INFO) -> tuple[str, Connection]:
    return negotiate(peer, sdp, ROLES, CALL_SLOTS, info)


def our_ssrcs(connection: Connection) -> list[int]:
    found = [(section.ssrc, section.rtx_ssrc) for section in connection.sections]
    return [ssrc for pair in found for ssrc in pair if ssrc]


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_and_the_connection_say_the_same(name: str) -> None:
    answer, connection = connect(text_of(name))
    assert f"a=ice-ufrag:{connection.local_ufrag}\r\n" in answer
    assert f"a=ice-pwd:{connection.local_password}\r\n" in answer
    assert INFO.fingerprint.value in answer
    assert len(connection.sections) == 10
    ssrcs = our_ssrcs(connection)
    assert len(ssrcs) == len(set(ssrcs))
    assert all(ssrc > 1 and str(ssrc) in answer for ssrc in ssrcs)


def test_a_front_that_restarted_answers_as_before() -> None:
    (first, before), (second, after) = connect(OFFER), connect(OFFER)
    assert before == after
    without_version = [line for line in first.split("\r\n") if not line.startswith("o=")]
    assert without_version == [line for line in second.split("\r\n") if not line.startswith("o=")]


def test_keys_are_long_enough_for_ice() -> None:
    _, connection = connect(OFFER)
    assert len(connection.local_ufrag) >= 4
    assert len(connection.local_password) >= 22  # RFC 8839 5.4
    assert (connection.local_ufrag + connection.local_password).isalnum()


def test_each_peer_and_each_worker_has_keys_and_ssrcs_of_its_own() -> None:
    _, alice = connect(OFFER)
    for _, other in (connect(OFFER, peer="bob"), connect(OFFER, info=OTHER_WORKER)):
        assert other.local_ufrag != alice.local_ufrag
        assert other.local_password != alice.local_password
        assert not set(our_ssrcs(other)) & set(our_ssrcs(alice))


def test_an_ice_restart_changes_the_keys_and_nothing_else() -> None:
    _, before = connect(OFFER)
    restarted = OFFER.replace(before.remote_ufrag, "newfrag")
    _, after = connect(restarted)
    assert after.local_ufrag != before.local_ufrag
    assert after.local_password != before.local_password
    assert our_ssrcs(after) == our_ssrcs(before)


@given(st.data())
def test_an_offer_with_lines_taken_out_or_mixed_up_is_answered_or_refused(
    data: st.DataObject,
) -> None:
    lines = OFFER.split("\r\n")
    for _ in range(data.draw(st.integers(1, 6))):
        at, to = (data.draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        kind = data.draw(st.sampled_from(["drop", "copy", "cut", "number", "all"]))
        if kind == "drop":
            lines = lines[:at] + lines[at + 1 :] or [""]
        elif kind == "copy":
            lines.insert(to, lines[at])
        elif kind == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, 12))]
        elif kind == "number":
            lines[at] = lines[at].replace("1", data.draw(st.sampled_from(["-1", "99999999999"])))
        else:
            key = lines[at][:9]
            lines = [line for line in lines if not line.startswith(key)] or [""]
    with contextlib.suppress(SdpError):
        connect("\r\n".join(lines))


@pytest.mark.parametrize("attribute", ["a=fingerprint", "a=ice-ufrag", "a=ice-pwd", "a=setup"])
def test_an_offer_without_what_a_connection_needs_is_refused(attribute: str) -> None:
    lines = [line for line in OFFER.split("\r\n") if not line.startswith(attribute)]
    try:
        _, connection = connect("\r\n".join(lines))
    except SdpError as refused:
        assert refused.code
    else:
        assert attribute == "a=setup"
        assert connection.dtls_role == "server"


def flows(connection: Connection) -> list[tuple[str, str]]:
    return [(each.kind, each.codecs[0].name) for each in connection.sections if each.receives]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("ffmpeg-8.1.2-whip-publish-audio-only", [("audio", "opus")]),
        ("ffmpeg-8.1.2-whip-publish-dtls-active", [("audio", "opus"), ("video", "H264")]),
        ("ffmpeg-8.1.2-whip-publish-video-only", [("video", "H264")]),
        (
            "gstreamer-webrtcbin-1.22.0-whip-sendonly-nack-ulpfec",
            [("video", "VP8"), ("audio", "opus")],
        ),
        ("gstreamer-webrtcbin-1.22.0-sendrecv-av-no-bundle", [("video", "VP8")]),
        ("node-datachannel-0.33.4-whip-sendonly-h264-opus", [("audio", "opus"), ("video", "H264")]),
    ],
)
def test_what_an_encoder_sends_is_taken(name: str, sent: list[tuple[str, str]]) -> None:
    _, connection = negotiate_publisher("cart", text_of(name), INFO)
    assert flows(connection) == sent
    assert not any(each.sends for each in connection.sections)


OTHERS = {path.stem: path.read_bytes().decode() for path in sorted(THIRD_PARTY.glob("*.sdp"))}
TEXTS = {name: text_of(name) for name in NAMES} | OTHERS


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_every_recorded_offer_is_answered_or_refused_in_words_both_ways(text: str) -> None:
    """Whoever offers to send is taken as a publisher, whoever offers to receive as a viewer."""
    live = [media for media in parse_offer(text).media if not media.rejected]
    rtp = [media for media in live if media.kind in ("audio", "video")]
    for negotiated, wanted in (
        (negotiate_publisher, any(media.client_sends for media in rtp)),
        (negotiate_viewer, any(media.client_receives for media in rtp)),
    ):
        try:
            answer, connection = negotiated("cart", text, INFO)
        except SdpError as refused:
            assert not wanted
            assert refused.message.endswith(".")
        else:
            assert wanted
            offered = [line.split()[0] for line in text.splitlines() if line.startswith("m=")]
            assert [line.split()[0] for line in answer.splitlines() if line[:2] == "m="] == offered
            sending = [each for each in connection.sections if each.sends]
            assert len(sending) <= 2
            assert {each.slot for each in sending} <= {0}


def test_a_restart_without_an_offer_has_keys_of_its_own() -> None:
    first, again = (restarted("cart", "abcd", "secret", INFO) for _ in range(2))
    assert first == again
    assert first != restarted("cart", "abce", "secret", INFO)
    assert len(first[1]) >= 22

"""What the whole answer refuses, and what the caller decides."""

from __future__ import annotations

import re

import msgspec
import pytest

from sfu.core.description import Candidate
from sfu.core.sdp.answer import Answered, Local, answer, default_layout
from sfu.core.sdp.model import SdpError
from sfu.core.sdp.parse import parse_offer
from sfu.core.sdp.sections import candidate_values
from tests.sfu.core.sdp.local import local_for
from tests.sfu.core.sdp.offers import offer, read_text, refusal, text_of, values

CALL = "chromium-156-sendrecv-av"


def answer_with(**changes: object) -> Answered:
    parsed = offer(CALL)
    local: Local = msgspec.structs.replace(local_for(parsed), **changes)
    return answer(parsed, default_layout(parsed), local)


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        (r"a=ice-ufrag:.*\r\n", "no_ice"),
        (r"a=ice-pwd:.*\r\n", "no_ice"),
        (r"a=fingerprint:.*\r\n", "no_fingerprint"),
        (r"a=rtcp-mux\r\n", "no_media"),
        (r"a=rtpmap:.*\r\n", "no_media"),
        (r"m=[\s\S]*", "no_media"),
    ],
)
def test_an_offer_without_a_necessity_is_refused(pattern: str, code: str) -> None:
    assert refusal(re.sub(pattern, "", text_of(CALL))) == code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("setup:actpass", "setup:holdconn", "bad_setup"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "no_media"),
        ("m=audio", "m=text", ""),
        ("RTP/SAVPF", "rtp/savpf", ""),
    ],
)
def test_an_offer_of_another_kind(old: str, new: str, code: str) -> None:
    assert refusal(text_of(CALL).replace(old, new)) == code


def test_a_client_that_says_no_role_starts_dtls() -> None:
    text = text_of(CALL).replace("a=setup:actpass\r\n", "")
    parsed = parse_offer(text)
    connection = answer(parsed, default_layout(parsed), local_for(parsed)).connection
    assert connection.dtls_role == "server"


def test_an_unknown_kind_of_media_keeps_its_place() -> None:
    parsed = parse_offer(text_of(CALL).replace("m=audio", "m=text"))
    answered = answer(parsed, default_layout(parsed), local_for(parsed))
    first, second = read_text(answered.sdp).sections
    assert first[0].startswith("m=text 0 UDP/TLS/RTP/SAVPF ")
    assert values(second, "candidate")


def test_a_client_without_mids_gets_none() -> None:
    text = re.sub(r"a=(mid|group):?.*\r\n", "", text_of(CALL))
    parsed = parse_offer(text)
    answered = answer(parsed, default_layout(parsed), local_for(parsed))
    assert "a=mid" not in answered.sdp
    assert [section.mid for section in answered.connection.sections] == ["0"]


def test_m_lines_of_two_bundles_need_two_transports_and_get_one() -> None:
    text = text_of(CALL).replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0\r\na=group:BUNDLE 1")
    parsed = parse_offer(text)
    answered = answer(parsed, default_layout(parsed), local_for(parsed))
    assert values(read_text(answered.sdp).session, "group") == ["BUNDLE 0"]


def test_an_ssrc_that_stands_twice_is_refused() -> None:
    with pytest.raises(SdpError) as caught:
        answer_with(ssrcs={"0": (1, 2), "1": (3, 1)})
    assert caught.value.code == "ssrc_clash"


def test_an_m_line_that_sends_needs_an_ssrc() -> None:
    with pytest.raises(SdpError) as caught:
        answer_with(ssrcs={"0": (1, 2)})
    assert caught.value.code == "no_ssrc"


def test_candidates_fall_in_priority_in_the_callers_order() -> None:
    candidates = tuple(Candidate(f"192.0.2.{n}", 8443) for n in range(1, 6))
    lines = values(read_text(answer_with(candidates=candidates).sdp).sections[0], "candidate")
    assert [line.split()[4] for line in lines] == [each.address for each in candidates]
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4", "5"]


def test_without_candidates_nothing_is_said_of_them() -> None:
    assert "candidate" not in answer_with(candidates=()).sdp


def test_the_version_rises_and_all_else_stays() -> None:
    one, two = answer_with(version=1), answer_with(version=2)
    assert one.connection == two.connection
    assert one.sdp.replace(" 1 IN IP4", " 2 IN IP4", 1) == two.sdp


def test_more_than_three_layers_are_cut_to_the_first_three() -> None:
    text = text_of("chromium-156-simulcast-vp8-qhf").replace(
        "a=simulcast:send q;h;f", "a=rid:x send\r\na=simulcast:send q;h;f;x"
    )
    parsed = parse_offer(text)
    answered = answer(parsed, default_layout(parsed), local_for(parsed))
    assert answered.connection.sections[1].rids == ("q", "h", "f")


def test_layers_need_the_rid_extension() -> None:
    text = re.sub(
        r"a=extmap:\d+ \S+rtp-stream-id\r\n", "", text_of("chromium-156-simulcast-vp8-qhf")
    )
    parsed = parse_offer(text)
    answered = answer(parsed, default_layout(parsed), local_for(parsed))
    assert answered.connection.sections[1].rids == ()
    assert "simulcast" not in answered.sdp


def test_a_tcp_candidate_is_passive_and_comes_after_every_udp_one() -> None:
    """RFC 6544 sections 4.2 and 4.5: the client connects to us."""
    given = (Candidate("192.0.2.1", 8443), Candidate("192.0.2.1", 443, "tcp"))
    udp, tcp = candidate_values(given)
    assert tcp.split()[2:3] + tcp.split()[4:] == [
        *("tcp", "192.0.2.1", "443", "typ", "host", "tcptype", "passive")
    ]
    assert int(udp.split()[3]) > int(tcp.split()[3]) > 0

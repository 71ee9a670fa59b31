"""What browsers demand of every answer, checked on the answers to all recorded offers.

Each rule was measured with Chromium and Firefox by breaking it in an accepted answer: some are
refused with an error, some leave the call silent, one ends Firefox's tab.
"""

from __future__ import annotations

from collections import Counter

import pytest

from sfu.core.sdp.model import MIRRORED
from tests.sfu.core.sdp.offers import ANSWERED, answered, offer, read, values

pytestmark = pytest.mark.parametrize("name", ANSWERED)
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


def test_every_m_line_is_answered_in_its_place(name: str) -> None:
    pairs = list(zip(offer(name).media, read(name).sections, strict=True))
    for media, lines in pairs:
        word, _, protocol, *formats = lines[0].removeprefix("m=").split(" ")
        assert (word, protocol) == (media.media, media.protocol)
        assert formats
        assert set(formats) <= set(media.tokens)
        assert values(lines, "mid") == [media.mid]


def test_every_section_repeats_connection_ice_fingerprint_and_setup(name: str) -> None:
    for lines in read(name).sections:
        assert lines[1] == "c=IN IP4 0.0.0.0"
        for attribute in ("ice-ufrag", "ice-pwd", "fingerprint", "setup"):
            assert len(values(lines, attribute)) == 1


def test_the_password_is_long_enough(name: str) -> None:
    assert all(len(values(lines, "ice-pwd")[0]) >= 22 for lines in read(name).live)


def test_the_answer_never_leaves_the_dtls_role_open(name: str) -> None:
    ours = {"client": "active", "server": "passive"}[answered(name).connection.dtls_role]
    for media, lines in zip(offer(name).media, read(name).sections, strict=True):
        assert values(lines, "setup") == [ours]
        assert ours != media.setup


def test_directions_are_mirrored_or_inactive(name: str) -> None:
    for media, lines in zip(offer(name).media, read(name).sections, strict=True):
        written = [word for word in DIRECTIONS if f"a={word}" in lines]
        assert len(written) == 1
        allowed = {MIRRORED[media.direction], "inactive"}
        if media.direction == "sendrecv":
            allowed |= {"sendonly", "recvonly"}
        assert written[0] in allowed


def test_every_live_section_multiplexes_rtcp(name: str) -> None:
    for lines in read(name).live:
        assert values(lines, "rtcp-mux") == [""]


def test_reduced_size_rtcp_only_where_it_is_offered(name: str) -> None:
    for media, lines in zip(offer(name).media, read(name).sections, strict=True):
        assert media.rtcp_rsize or not values(lines, "rtcp-rsize")


def test_bundle_names_exactly_the_accepted_mids(name: str) -> None:
    mids = [values(lines, "mid")[0] for lines in read(name).live]
    grouped = any(media.in_bundle for media in offer(name).media)
    wanted = [f"BUNDLE {' '.join(mids)}"] if grouped else []
    assert values(read(name).session, "group") == wanted


def test_only_live_sections_have_a_port(name: str) -> None:
    assert {lines[0].split()[1] for lines in read(name).live} == {"9"}


def test_a_rejected_m_line_stays_rejected(name: str) -> None:
    for media, lines in zip(offer(name).media, read(name).sections, strict=True):
        if media.rejected:
            assert lines[0].split()[1] == "0"
            assert "a=inactive" in lines


def test_the_same_candidates_stand_in_every_live_section(name: str) -> None:
    for lines in read(name).live:
        assert [value.split()[4] for value in values(lines, "candidate")] == [
            "192.0.2.1",
            "2001:db8::1",
        ]
        assert values(lines, "end-of-candidates") == [""]
    assert not values(read(name).session, "candidate")


def test_candidate_priorities_fall(name: str) -> None:
    found = [int(value.split()[3]) for value in values(read(name).live[0], "candidate")]
    assert found == sorted(set(found), reverse=True)
    assert max(found) < 2**31


def test_extensions_keep_the_clients_ids(name: str) -> None:
    for media, lines in zip(offer(name).media, read(name).sections, strict=True):
        offered = {(one.id, one.uri): one.direction for one in media.extensions}
        for value in values(lines, "extmap"):
            key, uri = value.split(" ")
            number, _, direction = key.partition("/")
            assert MIRRORED[offered[int(number), uri]] == (direction or "sendrecv")


def test_mixed_headers_are_allowed_only_where_they_are_offered(name: str) -> None:
    offered = [media.allow_mixed for media in offer(name).media if not media.rejected]
    if values(read(name).session, "extmap-allow-mixed"):
        assert any(offered)
    elif all(offered):
        pytest.fail("extmap-allow-mixed was offered and not answered")


def test_every_payload_type_has_a_map_and_every_map_a_payload_type(name: str) -> None:
    for lines in read(name).live:
        listed = lines[0].split(" ")[3:]
        assert [value.split()[0] for value in values(lines, "rtpmap")] == listed
        assert {value.split()[0] for value in values(lines, "fmtp")} <= set(listed)
        assert {value.split()[0] for value in values(lines, "rtcp-fb")} <= set(listed)


def test_codecs_keep_the_clients_payload_types(name: str) -> None:
    for media, lines in zip(offer(name).media, read(name).sections, strict=True):
        offered = {str(one.payload_type): one.name.lower() for one in media.formats}
        for value in values(lines, "rtpmap"):
            number, _, codec = value.partition(" ")
            assert offered[number] == codec.split("/")[0].lower()


def test_every_rtx_repairs_a_codec_of_its_section(name: str) -> None:
    for lines in read(name).live:
        repairs = {v.split()[0] for v in values(lines, "rtpmap") if " rtx/" in v}
        pairs = dict(v.split(" apt=") for v in values(lines, "fmtp") if " apt=" in v)
        assert set(pairs) == repairs
        assert set(pairs.values()) <= set(lines[0].split(" ")[3:]) - repairs


def test_transport_feedback_needs_its_extension(name: str) -> None:
    for lines in read(name).live:
        if any(value.endswith("transport-cc") for value in values(lines, "rtcp-fb")):
            assert any("transport-wide-cc" in value for value in values(lines, "extmap"))


def test_goog_remb_is_never_answered(name: str) -> None:
    assert "goog-remb" not in answered(name).sdp


def test_no_ssrc_stands_in_two_sections(name: str) -> None:
    sets = [{v.split()[0] for v in values(lines, "ssrc")} for lines in read(name).sections]
    assert all(count == 1 for count in Counter(ssrc for each in sets for ssrc in each).values())


def test_sending_sections_name_stream_sources_and_repair_group(name: str) -> None:
    for lines in read(name).live:
        sends = "a=sendonly" in lines or "a=sendrecv" in lines
        ssrcs = [int(value.split()[0]) for value in values(lines, "ssrc")]
        repairs = any(" rtx/" in value for value in values(lines, "rtpmap"))
        assert len(values(lines, "msid")) == sends
        assert len(ssrcs) == (0 if not sends else 2 if repairs else 1)
        groups = [f"FID {ssrcs[0]} {ssrcs[1]}"] if len(ssrcs) == 2 else []
        assert values(lines, "ssrc-group") == groups


def test_simulcast_is_answered_layer_by_layer(name: str) -> None:
    for media, lines in zip(offer(name).media, read(name).sections, strict=True):
        rids = [value.split() for value in values(lines, "rid")]
        assert all(way == "recv" for _, way in rids)
        wanted = "recv " + ";".join(rid for rid, _ in rids)
        simulcast = [value.replace("~", "") for value in values(lines, "simulcast")]
        assert simulcast == ([wanted] if rids else [])
        assert bool(rids) == (bool(media.simulcast) and "a=inactive" not in lines)


def test_the_session_has_its_lines_and_the_text_ends_with_one_newline(name: str) -> None:
    session = read(name).session
    assert session[:4] == ["v=0", "o=- 4611686018427387903 7 IN IP4 0.0.0.0", "s=-", "t=0 0"]
    assert values(session, "ice-lite") == [""]
    assert answered(name).sdp.endswith("\r\n")
    assert "\r\n\r\n" not in answered(name).sdp
    assert "\n" not in answered(name).sdp.replace("\r\n", "")


def test_the_connection_says_what_the_text_says(name: str) -> None:
    sections = answered(name).connection.sections
    for section, lines in zip(sections, read(name).live, strict=True):
        assert values(lines, "mid") == [section.mid]
        flows = {"sendrecv": (True, True), "sendonly": (False, True), "recvonly": (True, False)}
        written = next(word for word in DIRECTIONS if f"a={word}" in lines)
        assert (section.receives, section.sends) == flows.get(written, (False, False))
        types = [str(codec.payload_type) for codec in section.codecs]
        assert [t for t in lines[0].split(" ")[3:] if t in types] == types
        ours = [str(ssrc) for ssrc in (section.ssrc, section.rtx_ssrc) if ssrc]
        assert [value.split()[0] for value in values(lines, "ssrc")] == ours
        assert (section.role is not None) == section.receives
        assert (section.slot is not None) == section.sends


def test_the_transport_is_the_clients(name: str) -> None:
    connection = answered(name).connection
    assert len(connection.remote_ufrag) >= 4
    assert len(connection.remote_password) >= 22
    assert connection.fingerprints

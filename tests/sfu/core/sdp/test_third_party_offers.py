"""Older and other clients: offers from a folder of third-party offers beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfu.core.description import Section
from tests.sfu.core.sdp.offers import THIRD_PARTY, answered_text, read_text, values

PATHS = sorted(THIRD_PARTY.glob("*.sdp"))


def text_of(stem: str) -> str:
    return (THIRD_PARTY / f"{stem}.sdp").read_bytes().decode()


def sections(stem: str) -> tuple[Section, ...]:
    return answered_text(text_of(stem)).connection.sections


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_offer_is_answered_m_line_by_m_line(path: Path) -> None:
    text = path.read_bytes().decode()
    answered = answered_text(text)
    offered = [line.split()[0] for line in text.splitlines() if line.startswith("m=")]
    lines = read_text(answered.sdp).sections
    assert [each[0].split()[0] for each in lines] == offered
    assert all(values(each, "fingerprint") for each in lines)
    assert answered.connection.sections


def test_obs_writes_its_transport_at_session_level() -> None:
    connection = answered_text(text_of("obs-studio-30.0.2-whip-publish")).connection
    assert (connection.remote_ufrag, connection.dtls_role) != ("", "client")
    assert [each.codecs[0].name for each in connection.sections] == ["opus", "H264"]


def test_h264_without_packetization_mode_is_mode_0() -> None:
    codecs = sections("firefox-121-sendrecv-av")[1].codecs
    assert [codec.name for codec in codecs] == ["VP8"]


def test_a_data_channel_of_the_old_kind_is_refused() -> None:
    for stem in ("firefox-46.0.1-sendrecv-av-datachannel", "opera-2016-sendrecv-av-datachannel"):
        refused = read_text(answered_text(text_of(stem)).sdp).sections[2]
        assert refused[0] == "m=application 0 DTLS/SCTP 5000"
        assert len(sections(stem)) == 2


def test_safari_publishes_vp8_although_it_prefers_h264() -> None:
    names = [each.codecs[0].name for each in sections("safari-2025-04-sendrecv-2video-2audio")]
    assert names == ["VP8", "opus", "VP8", "opus"]


def test_a_missing_final_line_end_does_not_lose_the_last_line() -> None:
    text = text_of("chrome-2021-simulcast-qhf")
    assert not text.endswith("\n")
    assert sections("chrome-2021-simulcast-qhf")[1].rids == ("q", "h", "f")

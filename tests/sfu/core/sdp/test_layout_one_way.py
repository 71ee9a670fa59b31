"""Clients that only publish or only watch: what of their offer is taken."""

from __future__ import annotations

import pytest

from sfu.core.sdp.layout import Layout, SlotMids, publishing_layout, watching_layout
from sfu.core.sdp.model import Offer, SdpError
from sfu.core.sdp.parse import parse_offer

SESSION = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"


def offer(*lines: tuple[str, str]) -> Offer:
    """m-lines of (kind, direction), their mids counted from 0."""
    return parse_offer(SESSION + "".join(f"m={kind} 9 X 96\r\na={way}\r\n" for kind, way in lines))


def test_a_client_that_publishes_gives_its_first_microphone_and_camera() -> None:
    camera = offer(("audio", "sendonly"), ("video", "sendonly"), ("audio", "recvonly"))
    assert publishing_layout(camera, camera.media) == Layout({"0": "microphone", "1": "camera"})


def test_a_client_that_watches_has_one_slot() -> None:
    screen = offer(("video", "recvonly"), ("audio", "recvonly"), ("video", "recvonly"))
    assert watching_layout(screen, screen.media) == Layout({}, (SlotMids("0", "1"),))


def test_an_m_line_that_is_not_taken_has_no_purpose() -> None:
    both = offer(("audio", "sendrecv"), ("video", "sendrecv"))
    assert publishing_layout(both, both.media[1:]) == Layout({"1": "camera"})
    assert watching_layout(both, both.media[:1]) == Layout({}, (SlotMids(None, "0"),))


def test_an_offer_without_a_way_that_is_needed_is_refused() -> None:
    receives, sends = offer(("audio", "recvonly")), offer(("video", "sendonly"))
    for lay_out, wrong in ((publishing_layout, receives), (watching_layout, sends)):
        for taken in (wrong.media, ()):
            with pytest.raises(SdpError) as caught:
                lay_out(wrong, taken)
            assert caught.value.code == "no_media"

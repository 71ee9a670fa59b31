"""The two browsers' call offers: three published sources, three pairs and a screen slot."""

from __future__ import annotations

import pytest

from sfu.core.sdp.answer import sending_mids
from tests.sfu.core.sdp.offers import answered, offer


@pytest.mark.parametrize("client", ["chromium-156", "chromium-119", "firefox-esr-153"])
def test_a_call_offer_becomes_three_sources_and_four_slots(client: str) -> None:
    name = f"{client}-slots-3send-7recv-max-bundle"
    sections = answered(name).connection.sections
    assert sending_mids(offer(name)) == ("3", "4", "5", "6", "7", "8", "9")
    assert [section.role for section in sections[:3]] == ["microphone", "camera", "screen"]
    assert [section.slot for section in sections[3:]] == [0, 0, 1, 1, 2, 2, 3]
    assert [section.screen_slot for section in sections] == [False] * 9 + [True]
    assert sections[1].rids == ("q", "h", "f")
    assert answered(name).connection.dtls_role == "server"

"""The two browsers' call offers: three published sources, three pairs and a screen slot."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfu.core.description import Candidate, Fingerprint, SourceRole
from sfu.core.sdp.answer import Layout, Local, SlotMids, answer, sending_mids
from sfu.core.sdp.parse import parse_offer

OFFERS = Path(__file__).parents[3] / "data" / "offers"
PUBLISH: dict[str, SourceRole] = {"0": "microphone", "1": "camera", "2": "screen"}
SLOTS = (
    SlotMids(video="4", audio="3"),
    SlotMids(video="6", audio="5"),
    SlotMids(video="8", audio="7"),
    SlotMids(video="9", screen=True),
)


@pytest.mark.parametrize("client", ["chromium-156", "firefox-esr-153"])
def test_a_call_offer_becomes_three_sources_and_four_slots(client: str) -> None:
    text = (OFFERS / f"{client}-slots-3send-7recv-max-bundle.sdp").read_bytes().decode()
    offer = parse_offer(text)
    mids = sending_mids(offer)
    local = Local(
        ufrag="bobs",
        password="p" * 24,
        fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
        candidates=(Candidate("10.98.0.1", 40_000),),
        session_id=1,
        version=1,
        ssrcs={mid: (1_000 + 2 * n, 1_001 + 2 * n) for n, mid in enumerate(mids)},
        cname="c",
    )
    connection = answer(offer, Layout(PUBLISH, SLOTS), local).connection
    assert mids == ("3", "4", "5", "6", "7", "8", "9")
    assert [section.role for section in connection.sections[:3]] == [
        "microphone",
        "camera",
        "screen",
    ]
    assert [section.slot for section in connection.sections[3:]] == [0, 0, 1, 1, 2, 2, 3]
    assert [section.screen_slot for section in connection.sections] == [False] * 9 + [True]
    assert connection.sections[1].rids == ("q", "h", "f")
    assert connection.dtls_role == "server"

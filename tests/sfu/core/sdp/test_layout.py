"""What the m-lines are for: said by our client, guessed from the order for others."""

from __future__ import annotations

import pytest

from sfu.core.description import SourceRole
from sfu.core.sdp.answer import Layout, SlotMids, answer, default_layout
from sfu.core.sdp.model import SdpError
from tests.sfu.core.sdp.local import local_for
from tests.sfu.core.sdp.offers import offer, read_text, values

CALL = "chromium-156-slots-3send-7recv-max-bundle"


def code_of(layout: Layout) -> str:
    with pytest.raises(SdpError) as caught:
        answer(offer(CALL), layout, local_for(offer(CALL)))
    return caught.value.code


def test_a_simple_call_publishes_and_watches_in_the_same_m_lines() -> None:
    layout = default_layout(offer("chromium-156-sendrecv-av"))
    assert layout.publish == {"0": "microphone", "1": "camera"}
    assert layout.slots == (SlotMids(video="1", audio="0"),)


def test_a_publisher_has_no_slots_and_a_viewer_publishes_nothing() -> None:
    assert default_layout(offer("chromium-156-whip-sendonly")).slots == ()
    viewer = default_layout(offer("chromium-156-whep-recvonly"))
    assert viewer == Layout({}, (SlotMids(video="0", audio="1"),))


def test_a_second_camera_is_taken_as_a_screen() -> None:
    layout = default_layout(offer("chromium-156-screen-added-later"))
    assert layout.publish == {"0": "microphone", "1": "camera", "2": "screen"}


def test_what_does_not_pair_up_gets_a_slot_of_its_own() -> None:
    layout = default_layout(offer("chromium-156-negotiated-then-more-recv"))
    assert layout.slots == (SlotMids(video="1", audio="0"), SlotMids(video="2"))


def test_a_stopped_m_line_is_for_nothing() -> None:
    layout = default_layout(offer("chromium-156-stopped-transceiver-port0"))
    assert layout.publish == {"0": "microphone"}


def test_m_lines_that_nobody_named_are_inactive() -> None:
    parsed = offer(CALL)
    answered = answer(parsed, Layout({"0": "microphone"}), local_for(parsed))
    flows = [(each.receives, each.sends) for each in answered.connection.sections]
    assert flows == [(True, False)] + [(False, False)] * 9
    assert all("a=inactive" in lines for lines in read_text(answered.sdp).sections[1:])
    assert not any(values(lines, "ssrc") for lines in read_text(answered.sdp).sections)


def test_a_role_of_another_kind_or_twice_is_refused() -> None:
    wrong: list[dict[str, SourceRole]] = [
        {"0": "camera"},
        {"1": "microphone"},
        {"1": "camera", "2": "camera"},
        {"99": "camera"},
    ]
    for publish in wrong:
        assert code_of(Layout(publish)) == "bad_layout"


@pytest.mark.parametrize(
    "slots",
    [
        (SlotMids(video="3"),),
        (SlotMids(audio="4"),),
        (SlotMids(video="nobody"),),
        (SlotMids(video="4", audio="3"), SlotMids(video="4", audio="5")),
        (SlotMids(audio="3"), SlotMids(audio="3")),
    ],
)
def test_a_slot_of_another_kind_or_twice_is_refused(slots: tuple[SlotMids, ...]) -> None:
    assert code_of(Layout({}, slots)) == "bad_layout"

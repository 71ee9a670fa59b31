"""A real client library must take our answers: aiortc as offerer, no packet is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from sfu.core.sdp.answer import Answered, answer, default_layout
from sfu.core.sdp.parse import parse_offer
from tests.sfu.core.sdp.local import local_for


def publish(pc: RTCPeerConnection) -> None:
    pc.addTransceiver("audio", direction="sendonly")
    pc.addTransceiver("video", direction="sendonly")


def watch(pc: RTCPeerConnection) -> None:
    pc.addTransceiver("audio", direction="recvonly")
    pc.addTransceiver("video", direction="recvonly")


def call(pc: RTCPeerConnection) -> None:
    pc.addTransceiver("audio", direction="sendrecv")
    pc.addTransceiver("video", direction="sendrecv")


def call_with_data(pc: RTCPeerConnection) -> None:
    call(pc)
    pc.createDataChannel("chat")


async def negotiate(prepare: Callable[[RTCPeerConnection], None]) -> tuple[str, Answered]:
    config = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    pc = RTCPeerConnection(config)
    try:
        prepare(pc)
        await pc.setLocalDescription(await pc.createOffer())
        text = pc.localDescription.sdp
        offer = parse_offer(text)
        answered = answer(offer, default_layout(offer), local_for(offer))
        await pc.setRemoteDescription(RTCSessionDescription(answered.sdp, "answer"))
        state = pc.signalingState
    finally:
        await pc.close()
    return state, answered


@pytest.mark.parametrize("prepare", [publish, watch, call, call_with_data])
async def test_aiortc_takes_the_answer(prepare: Callable[[RTCPeerConnection], None]) -> None:
    state, answered = await negotiate(prepare)
    assert state == "stable"
    assert [section.kind for section in answered.connection.sections] == ["audio", "video"]

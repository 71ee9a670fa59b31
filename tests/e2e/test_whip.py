"""Devices by WHIP and WHEP, against the real server: aiortc, and browsers in the same room."""

from __future__ import annotations

import re

import pytest

from tests.e2e.browsers.fakes import BLUE
from tests.e2e.device import Device, device
from tests.e2e.poll import until
from tests.e2e.server import Server

WITHIN_S = 15.0  # for media to come, on a loaded machine


async def token(server: Server, name: str, *flags: str) -> str:
    return await server.token(server.ready.room, name, "--device", "--admitted", *flags)


async def shows(viewer: Device, colour: str) -> None:
    async def seen() -> bool:
        return viewer.colour == colour

    await until(seen, WITHIN_S, f"{colour}; sees {viewer.colour!r} after {viewer.frames} frames")


async def hears(viewer: Device) -> None:
    before = viewer.loud_frames

    async def heard() -> bool:
        return viewer.loud_frames >= before + 25

    await until(heard, WITHIN_S, "half a second of the tone")


def without_mid(sdp: str) -> str:
    return re.sub(r"a=extmap:\d+ urn:ietf:params:rtp-hdrext:sdes:mid\r\n", "", sdp)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_a_wall_screen_shows_what_a_cart_sends(server: Server, codec: str) -> None:
    room, url = server.ready.room, server.ready.url
    async with (
        device(url, await token(server, "Cart")) as cart,
        device(url, await token(server, "Wall")) as wall,
    ):
        await cart.publish(room, BLUE, codec=codec)
        await wall.watch(room)
        await shows(wall, BLUE.name)
        await hears(wall)

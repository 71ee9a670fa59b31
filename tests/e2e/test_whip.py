"""Devices by WHIP and WHEP, against the real server: aiortc, and browsers in the same room."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiortc import RTCBundlePolicy

from tests.e2e.browsers.fakes import BLUE, GREEN, RED, YELLOW, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.device import SDP, Device, device
from tests.e2e.meeting import more_arrives
from tests.e2e.participant import Participant
from tests.e2e.poll import until
from tests.e2e.server import Server
from tests.e2e.wire import connect
from tests.netns.namespace import FIRST_ADDRESS

ENCODER = Path(__file__).with_name("encoder.js")
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


@pytest.mark.parametrize(
    ("codec", "bundle"),
    [("VP8", RTCBundlePolicy.MAX_BUNDLE), ("H264", RTCBundlePolicy.BALANCED)],
)
async def test_a_wall_screen_shows_what_a_cart_sends(
    server: Server, codec: str, bundle: RTCBundlePolicy
) -> None:
    room, url = server.ready.room, server.ready.url
    async with (
        device(url, await token(server, "Cart"), bundle) as cart,
        device(url, await token(server, "Wall"), bundle) as wall,
    ):
        await cart.publish(room, BLUE, codec=codec)
        await wall.watch(room)
        await shows(wall, BLUE.name)
        await hears(wall)


async def test_a_cart_and_a_doctors_browser_see_each_other(
    server: Server, open_chromium: OpenPage
) -> None:
    """The cart publishes and watches with one token, and is never shown itself."""
    room, url = server.ready.room, server.ready.url
    bob = Participant("Bob", await open_chromium(Camera(GREEN)))
    mine = await token(server, "Cart")
    async with device(url, mine) as camera, device(url, mine) as screen:
        await camera.publish(room, BLUE, codec="H264")
        await screen.watch(room)
        await bob.open(server.ready.links["doctor"])
        await bob.sees(BLUE.name)
        await more_arrives(bob)
        await shows(screen, GREEN.name)
        await hears(screen)
        [tile] = [tile for tile in await bob.others() if tile.live]
        assert "Cart" in tile.text
        assert (await camera.request("DELETE", camera.location))[0] == 200
        await bob.sees()


async def test_sound_alone_and_a_client_without_the_mid_extension(server: Server) -> None:
    room, url = server.ready.room, server.ready.url
    async with (
        device(url, await token(server, "Stethoscope")) as stethoscope,
        device(url, await token(server, "Wall")) as wall,
    ):
        await stethoscope.publish(room, None)
        await wall.watch(room, ["audio"])
        await hears(wall)
    async with (
        device(url, await token(server, "Old encoder")) as encoder,
        device(url, await token(server, "Wall")) as wall,
    ):
        await encoder.publish(room, RED, rewrite=without_mid)
        await wall.watch(room)
        await shows(wall, RED.name)
        await hears(wall)


async def test_a_viewer_follows_the_participant_whom_it_names(server: Server) -> None:
    room, url = server.ready.room, server.ready.url
    moderates = await server.token(room, "Carol", "--can", "moderate")
    async with (
        device(url, await token(server, "One")) as one,
        device(url, await token(server, "Two")) as two,
        device(url, await token(server, "Wall")) as wall,
        connect(server) as carol,
    ):
        await carol.hello(moderates)
        await one.publish(room, RED)
        await two.publish(room, YELLOW)
        await carol.hears("welcome")
        people = {}
        while "Two" not in people:
            people = {p["name"]: p["id"] for p in (await carol.hears("room"))["participants"]}
        await wall.watch(room, participant=people["Two"])
        await shows(wall, YELLOW.name)
        await carol.say({"type": "remove", "request": 1, "participant": people["Two"]})
        await carol.hears("done")
        status, text, _ = await two.offer_again(room)
        assert (status, json.loads(text)["code"]) == (403, "removed")


async def test_a_new_session_replaces_the_old_one_which_can_no_longer_end_it(
    server: Server,
) -> None:
    room, url = server.ready.room, server.ready.url
    mine = await token(server, "Cart")
    async with (
        device(url, mine) as before,
        device(url, mine) as after,
        device(url, await token(server, "Wall")) as wall,
    ):
        await before.publish(room, RED)
        await wall.watch(room)
        await shows(wall, RED.name)
        await after.publish(room, BLUE)
        await shows(wall, BLUE.name)
        assert (await before.request("DELETE", before.location))[0] == 404
        await until(lambda: ended(before), WITHIN_S, "the old media ends")
        await hears(wall)


async def test_a_token_that_has_expired_still_manages_its_session(server: Server) -> None:
    room, url = server.ready.room, server.ready.url
    async with (
        device(url, await token(server, "Wall")) as wall,
        device(url, await token(server, "Cart", "--ttl", "3")) as cart,
    ):
        await cart.publish(room, BLUE)
        await wall.watch(room)
        await until(lambda: expired(cart, room), WITHIN_S, "expired")
        await shows(wall, BLUE.name)
        await hears(wall)
        candidates = "a=mid:0\r\na=end-of-candidates\r\n"
        kind = "application/trickle-ice-sdpfrag"
        patch = await cart.request(
            "PATCH", cart.location, candidates, Content_Type=kind, If_Match=cart.tag
        )
        assert patch[0] == 204
        assert (await cart.request("DELETE", cart.location))[0] == 200
        assert (await cart.request("DELETE", cart.location))[0] == 404


async def test_media_goes_on_over_a_restart_of_the_front(server: Server) -> None:
    room, url = server.ready.room, server.ready.url
    async with (
        device(url, await token(server, "Cart")) as cart,
        device(url, await token(server, "Wall")) as wall,
    ):
        await cart.publish(room, BLUE)
        await wall.watch(room)
        await shows(wall, BLUE.name)
        os.kill(server.ready.pids["front"], signal.SIGKILL)
        await hears(wall)
        await until(lambda: answers(wall), WITHIN_S, "the front is back")
        await hears(wall)
        assert (await cart.request("DELETE", cart.location))[0] == 200


async def test_the_death_of_the_media_worker_ends_the_session(server: Server) -> None:
    room, url = server.ready.room, server.ready.url
    mine = await token(server, "Cart")
    async with device(url, mine) as cart:
        await cart.publish(room, BLUE)
        await until(lambda: connected(cart), WITHIN_S, "connected")
        os.kill(server.ready.pids["worker"], signal.SIGKILL)
        await until(lambda: gone(cart), WITHIN_S, "the session is gone")
    async with device(url, mine) as cart, device(url, await token(server, "Wall")) as wall:
        await cart.publish(room, BLUE)
        await wall.watch(room)
        await shows(wall, BLUE.name)


async def ended(one: Device) -> bool:
    return one.pc.connectionState in ("closed", "failed")


async def connected(one: Device) -> bool:
    return one.pc.connectionState == "connected"


async def gone(one: Device) -> bool:
    return (await one.request("PATCH", one.location, If_Match=one.tag))[0] == 404


async def expired(one: Device, room: str) -> bool:
    """Whether its token opens nothing more; what is sent is no offer."""
    status, text, _ = await one.request("POST", f"/whip/{room}", Content_Type=SDP)
    return status == 401 and json.loads(text)["code"] == "token_expired"


async def answers(one: Device) -> bool:
    try:
        return (await one.request("OPTIONS", "/whip/room"))[0] == 204
    except aiohttp.ClientError:
        return False


async def test_a_page_of_another_origin_publishes_and_restarts_ice(
    server: Server, open_chromium: OpenPage
) -> None:
    room, url = server.ready.room, server.ready.url
    page = await open_chromium(Camera(GREEN))
    given = json.dumps([f"{url}/whip/{room}", await token(server, "Page"), BLUE.css])
    async with (
        blank_page(server) as elsewhere,
        device(url, await token(server, "Wall")) as wall,
    ):
        await page.goto(elsewhere)
        await page.evaluate(f"(() => {{{ENCODER.read_text()}}})()")
        assert await page.evaluate(f"encoder.publish(...{given})") == 201
        await wall.watch(room, ["video"])
        await shows(wall, BLUE.name)
        assert await page.evaluate("encoder.restartIce()") == [200, True]
        await until(
            lambda: page.evaluate("encoder.isOnNewCredentials()"), WITHIN_S, "new credentials"
        )
        before = wall.frames
        await until(lambda: more_frames(wall, before + 30), WITHIN_S, "media goes on")
        assert await page.evaluate("encoder.end()") == 200


@asynccontextmanager
async def blank_page(server: Server) -> AsyncIterator[str]:
    """The address of an empty page on another port, which is another origin."""

    async def nothing(_request: web.Request) -> web.Response:
        return web.Response(content_type="text/html", text="<!doctype html>")

    app = web.Application()
    app.router.add_get("/", nothing)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(server.data / "tls" / "cert.pem", server.data / "tls" / "key.pem")
        await web.TCPSite(runner, FIRST_ADDRESS, 0, ssl_context=tls).start()
        yield f"https://{FIRST_ADDRESS}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def more_frames(viewer: Device, count: int) -> bool:
    return viewer.frames >= count

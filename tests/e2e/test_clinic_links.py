"""Join links as they are used: fetched by scanners, withdrawn, opened on a second device."""

from __future__ import annotations

import json
import re

import aiohttp

from clinic_api.visits.consenting import PublishText, publish_text
from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.clinic_pages import Reader
from tests.e2e.conftest import OpenPage, StartServer
from tests.e2e.participant import Participant
from tests.e2e.server import Server

ALICE = Camera(GREEN, tone_hz=440)
BOB = Camera(BLUE, tone_hz=660)
NO_CAMERA = """void (navigator.mediaDevices.getUserMedia =
  () => Promise.reject(new DOMException("", "NotFoundError")))"""
CONSENT = "I agree to be seen by video. The doctor may ask me to come to the clinic instead."


async def clinic(start_server: StartServer, open_page: OpenPage) -> tuple[Server, Reader]:
    server = await start_server(demo=False)
    desk = Reader(await open_page(BOB), server.ready.url)
    await desk.set_up(await server.set_up_link())
    return server, desk


async def test_a_scanner_consumes_nothing_and_a_second_device_confirms(
    start_server: StartServer, open_chromium: OpenPage
) -> None:
    server, desk = await clinic(start_server, open_chromium)
    link = await desk.begin_visit("Alice Example")
    code = (await desk.text()).partition("tell this number: ")[2].splitlines()[0]
    assert re.fullmatch(r"\d{3} \d{3}", code)

    async with aiohttp.ClientSession() as scanner:
        for _ in range(5):
            async with scanner.get(link, ssl=False) as response:
                assert response.status == 200

    first = Participant("Alice", await open_chromium(ALICE))
    await first.page.goto(link)
    await first.reaches("prejoin")
    await first.page.evaluate(NO_CAMERA)
    await first.press("join")
    await first.reaches("waiting")

    second = Participant("Alice's phone", await open_chromium(ALICE))
    await second.page.goto(link)
    await second.reaches("prejoin")
    await second.press("join")
    phone = Reader(second.page, server.ready.url)
    await phone.reads("in use on another device")
    await answer(second, "000000")
    await phone.reads("does not match")
    await answer(second, code)
    await second.reaches("waiting")


async def test_a_withdrawn_link_says_so_and_a_new_one_opens(
    start_server: StartServer, open_chromium: OpenPage
) -> None:
    server, desk = await clinic(start_server, open_chromium)
    link = await desk.begin_visit("Alice Example")
    await desk.press_surely("Withdraw the link")
    await desk.reads("link withdrawn")

    alice = Participant("Alice", await open_chromium(ALICE))
    page = Reader(alice.page, server.ready.url)
    await alice.page.goto(link)
    await page.reads("withdrawn")
    await page.reads("+48")
    await page.open("/join#nonsense")
    await page.reads("This link does not work")
    await page.reads("ask the clinic for a new one. You can call the clinic: +48")

    await desk.press("New link")
    await desk.reads("Send this link")
    fresh = str(await desk.page.evaluate("document.querySelector('[data-link]').innerText"))
    assert fresh != link
    await alice.page.goto("about:blank")
    await alice.open(fresh)
    await alice.reaches("waiting")


async def test_nobody_comes_in_without_the_consent_that_the_clinic_asks_for(
    start_server: StartServer, open_chromium: OpenPage
) -> None:
    server, desk = await clinic(start_server, open_chromium)
    await server.as_console(publish_text, PublishText(kind="telehealth", text=CONSENT))
    link = await desk.begin_visit("Alice Example")
    alice = Participant("Alice", await open_chromium(ALICE))
    page = Reader(alice.page, server.ready.url)
    await alice.page.goto(link)
    await alice.reaches("prejoin")
    await alice.press("join")
    await page.reads(CONSENT)
    await page.press("Not now")
    await page.reads("The clinic needs your agreement")
    await alice.page.goto("about:blank")
    await alice.page.goto(link)
    await alice.reaches("prejoin")
    await alice.press("join")
    await page.reads(CONSENT)
    await page.press("I agree")
    await alice.reaches("waiting")


async def answer(person: Participant, code: str) -> None:
    """Type the code that the clinic told, and send it."""
    field = "document.querySelector('#confirm-code')"
    await person.page.evaluate(f"{field}.value = {json.dumps(code)}")
    await person.page.evaluate("document.querySelector('dialog button[value=send]').click()")


async def test_without_a_mail_server_the_invitation_is_handed_over(
    start_server: StartServer, open_chromium: OpenPage
) -> None:
    server, desk = await clinic(start_server, open_chromium)
    await desk.begin_visit("Alice Example", email="alice@example.org")
    await desk.open("/messages")
    await desk.reads("link to a visit to alice@example.org")
    await desk.press("Show")
    await desk.reads("Back to the list")
    link = (await desk.text()).partition(server.ready.url)[2].split()[0]
    alice = Participant("Alice", await open_chromium(ALICE))
    await alice.open(server.ready.url + link)
    await alice.reaches("waiting")


async def test_a_code_read_out_by_phone_opens_the_visit(
    start_server: StartServer, open_chromium: OpenPage
) -> None:
    server, desk = await clinic(start_server, open_chromium)
    await desk.begin_visit("Alice Example")
    code = str(await desk.page.evaluate("document.querySelector('.code').innerText"))
    assert code[4] == " "
    alice = Participant("Alice", await open_chromium(ALICE))
    page = Reader(alice.page, server.ready.url)
    await page.open("/code")
    await page.fill(code="22222222")
    await page.press("Continue")
    await page.reads("No visit has this code")
    await page.fill(code=code.lower())
    await page.press("Continue")
    await page.reaches("/join")
    await alice.reaches("prejoin")
    await alice.press("join")
    await alice.reaches("waiting")

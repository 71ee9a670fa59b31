"""Somebody is disabled while they are signed in and in a call: out of everything within seconds."""

from __future__ import annotations

import time

from tests.e2e.browsers.fakes import BLUE, GREEN, RED, Camera
from tests.e2e.clinic_pages import PASSWORD, Reader
from tests.e2e.conftest import OpenPage, StartServer
from tests.e2e.participant import Participant

OUT_WITHIN_S = 5.0
DANA = "dana.example"


async def test_a_disabled_doctor_is_out_of_pages_api_and_call_within_five_seconds(
    start_server: StartServer, open_chromium: OpenPage
) -> None:
    server = await start_server(demo=False)
    admin = Reader(await open_chromium(Camera(BLUE, tone_hz=660)), server.ready.url)
    await admin.set_up(await server.set_up_link())
    await admin.open("/users")
    await admin.fill(display_name="Dr. Dana Example", login=DANA, role="doctor")
    await admin.press("Invite")
    await admin.reads("Make a code for the desk")
    account = await admin.path()
    await admin.press("Make a code for the desk")
    await admin.reads("With this code")
    code = str(await admin.page.evaluate("document.querySelector('.code').innerText"))

    dana = Participant("Dana", await open_chromium(Camera(RED, tone_hz=550)))
    desk = Reader(dana.page, server.ready.url)
    await desk.open("/activate")
    await desk.fill(login=DANA, code=code, password=PASSWORD)
    await desk.press("Save")
    await desk.enrol()
    link = await desk.begin_visit("Alice Example")
    alice = Participant("Alice", await open_chromium(Camera(GREEN, tone_hz=440)))
    await alice.open(link)
    await alice.reaches("waiting")
    await desk.open("/visits")
    await desk.press("Alice Example")
    await desk.reads("Open the call")
    visit = await desk.path()
    await desk.press("Open the call")
    await desk.reaches(f"{visit}/call")
    await dana.reaches("prejoin")
    await dana.press("join")
    await dana.reaches("call")

    await admin.open(account)
    await admin.press_surely("Disable")
    await admin.reads("have no doctor now")
    disabled_at = time.monotonic()
    await desk.reaches("/sign-in")  # out of the call, and then of the visit's page
    assert time.monotonic() - disabled_at < OUT_WITHIN_S
    status = await dana.page.evaluate("fetch('/api/v1/visits').then((answer) => answer.status)")
    assert status == 401
    await alice.sees()

"""Somebody at the clinic's pages: reads, fills in forms, presses buttons, in any browser."""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

import pyotp
from playwright.async_api import Error as BrowserError

from tests.e2e.browsers.page import Page
from tests.e2e.poll import until

PAGE_WITHIN_S = 15.0
PASSWORD = "three calm herons wade"
CLINIC = {
    "name": "Riverside Clinic",
    "phone": "+48 22 123 45 67",
    "country": "PL",
    "time_zone": "Europe/Warsaw",
    "currency": "PLN",
}
DOCTOR = {"display_name": "Dr. Bob Example", "login": "bob", "password": PASSWORD}


class Reader:
    """One person's browser at the clinic's pages."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url
        self._secret = ""

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self._url}{path}")

    async def path(self) -> str:
        return str(await self._ask("location.pathname"))

    async def text(self) -> str:
        return str(await self._ask("document.body.innerText"))

    async def _ask(self, expression: str) -> object:
        """None while the browser goes from page to page."""
        try:
            return await self.page.evaluate(expression)
        except BrowserError:
            return None

    async def reaches(self, path: str) -> None:
        """Wait for the page of this address to be there."""

        async def arrived() -> bool:
            ready = await self._ask("document.readyState") == "complete"
            seen.append(await self.path())
            return ready and seen[-1] == path

        seen: list[str] = []
        try:
            await until(arrived, PAGE_WITHIN_S, path)
        except AssertionError as error:
            raise AssertionError(f"{error}; at {seen[-1]}:\n{await self.text()}") from None

    async def reads(self, text: str) -> None:
        """Wait until the page says this."""

        async def said() -> bool:
            return text in await self.text()

        try:
            await until(said, PAGE_WITHIN_S, text)
        except AssertionError as error:
            raise AssertionError(f"{error}; the page says:\n{await self.text()}") from None

    async def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            place = f"document.querySelector('[name={name}]:not([type=hidden])')"
            await self.page.evaluate(f"{place}.value = {json.dumps(value)}")

    async def press(self, text: str) -> None:
        """The button or link with these words, once it is there."""
        await self._click("button, a", text)

    async def press_surely(self, text: str) -> None:
        """A button that asks first: `text…`, then `text`."""
        await self._click("summary", f"{text}…")
        await self._click("button", text)

    async def _click(self, kinds: str, text: str) -> None:
        found = (
            f"[...document.querySelectorAll({json.dumps(kinds)})]"
            f".find((one) => one.innerText.trim() === {json.dumps(text)})"
        )

        async def there() -> bool:
            return bool(await self._ask(f"document.readyState === 'complete' && Boolean({found})"))

        try:
            await until(there, PAGE_WITHIN_S, text)
        except AssertionError as error:
            raise AssertionError(f"{error}; the page says:\n{await self.text()}") from None
        await self.page.evaluate(f"void setTimeout(() => {found}.click())")

    # what a doctor does

    async def set_up(self, link: str) -> None:
        """From the one-time link to the list of visits, with an authenticator app."""
        await self.open(f"/set-up#{urlsplit(link).fragment}")
        await self.fill(**CLINIC, **DOCTOR)
        await self.press("Set up")
        await self.enrol()

    async def enrol(self) -> None:
        await self.reaches("/account/factor")
        await self.press("Set up the app")
        await self.reaches("/account/factor/begin")
        self._secret = str(await self.page.evaluate("document.querySelector('.link').innerText"))
        await self.fill(code=self.code())
        await self.press("Confirm")
        await self.reads("Write these codes down")
        await self.press("I have written them down")
        await self.reaches("/visits")

    def code(self, steps: int = 0) -> str:
        """What the app shows now, or in so many steps of 30 s."""
        return pyotp.TOTP(self._secret).at(int(time.time()) + 30 * steps)

    async def begin_visit(self, name: str, **fields: str) -> str:
        """An instant visit; the patient's link."""
        await self.open("/visits")
        await self.fill(name=name, **fields)
        await self.press("Make a link")
        await self.reads("Send this link")
        return str(await self.page.evaluate("document.querySelector('[data-link]').innerText"))

"""Chromium through Playwright, Debian's own build; one process for each participant.

A process, because the fake camera and microphone are command line flags.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Playwright
from playwright.async_api import Page as Tab

from tests.e2e.browsers.fakes import Camera, write_microphone, write_video
from tests.e2e.browsers.page import ANSWER_WITHIN_S, VIEWPORT, as_json
from tests.netns.hosts import Host

EXECUTABLE = "/usr/bin/chromium"

_FLAGS = (
    "--no-sandbox",  # root, or a user namespace: Chromium's own sandbox cannot start
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--ignore-certificate-errors",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


class ChromiumPage:
    """A page that owns its whole browser; see page.Page."""

    def __init__(self, browser: Browser, tab: Tab) -> None:
        self.messages: list[str] = []
        self._browser = browser
        self._tab = tab
        tab.on("console", lambda message: self.messages.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: self.messages.append(f"thrown: {error}"))

    @property
    def tab(self) -> Tab:
        """Playwright's own page, for what only Chromium tests need."""
        return self._tab

    async def prepare(self, script: str) -> None:
        await self._tab.add_init_script(script)

    async def another(self) -> ChromiumPage:
        """One more tab of the same person; whoever closes it closes the browser."""
        return ChromiumPage(self._browser, await self._tab.context.new_page())

    async def goto(self, url: str) -> None:
        await self._tab.goto(url)

    async def evaluate(self, expression: str) -> Any:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            return json.loads(await self._tab.evaluate(as_json(expression)))

    async def click(self, selector: str) -> None:
        await self._tab.locator(selector).first.click()

    async def screenshot(self, path: Path) -> None:
        await self._tab.screenshot(path=path)

    async def close(self) -> None:
        await self._browser.close()


async def open_page(
    playwright: Playwright, folder: Path, camera: Camera, host: Host | None = None
) -> ChromiumPage:
    """Start a browser whose devices show and hum what `camera` says; their files go to `folder`.

    It runs on `host`, or on the server's machine.
    """
    video, sound = folder / "camera.y4m", folder / "microphone.wav"
    await asyncio.to_thread(write_video, video, camera)
    await asyncio.to_thread(write_microphone, sound, camera)
    browser = await playwright.chromium.launch(
        executable_path=_executable_on(host, folder) if host else EXECUTABLE,
        headless=True,
        args=[
            *_FLAGS,
            f"--use-file-for-fake-video-capture={video}",
            f"--use-file-for-fake-audio-capture={sound}",
        ],
    )
    context = await browser.new_context(
        viewport={"width": VIEWPORT[0], "height": VIEWPORT[1]}, ignore_https_errors=True
    )
    context.set_default_timeout(ANSWER_WITHIN_S * 1000)
    return ChromiumPage(browser, await context.new_page())


def _executable_on(host: Host, folder: Path) -> Path:
    """A program that starts the browser there: Playwright speaks to it through inherited pipes."""
    program = folder / "chromium"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(host.command(EXECUTABLE))} "$@"\n')
    program.chmod(0o755)
    return program

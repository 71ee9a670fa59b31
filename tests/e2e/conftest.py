"""Fixtures for end-to-end tests: browsers and servers, in one event loop and one private network.

Firefox and Playwright's driver start once for the run; pages, Chromium processes and servers belong
to one test. Everything is ended by the process id that we started, and a test fails if something of
its own stays behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Playwright, async_playwright

from tests.e2e import server as server_process
from tests.e2e.browsers import chromium, firefox, sound
from tests.e2e.browsers.fakes import Camera
from tests.e2e.browsers.page import Page
from tests.e2e.server import Server

OpenPage = Callable[[Camera], Awaitable[Page]]
OpenChromium = Callable[[Camera], Awaitable[chromium.ChromiumPage]]
StartServer = Callable[..., Awaitable[Server]]

_ARTIFACTS = Path(__file__).parents[1] / "artifacts"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what is in this folder in one loop (a browser's connection belongs to a loop)."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots go, to be looked at after the run."""
    _ARTIFACTS.mkdir(exist_ok=True)
    return _ARTIFACTS


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_firefox(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[firefox.Firefox]:
    folder = tmp_path_factory.mktemp("firefox")
    async with sound.null_sink(folder) as environment:
        browser = await firefox.start(folder, environment)
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def open_chromium(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenChromium]:
    """Opens pages, each in a Chromium of its own."""
    async with AsyncExitStack() as pages:

        async def open_page(camera: Camera) -> chromium.ChromiumPage:
            folder = tmp_path_factory.mktemp("chromium")
            page = await chromium.open_page(playwright, folder, camera)
            pages.push_async_callback(page.close)
            return page

        yield open_page


@pytest_asyncio.fixture(loop_scope="session")
async def open_firefox(running_firefox: firefox.Firefox) -> AsyncIterator[OpenPage]:
    """Opens tabs of the one Firefox."""
    async with AsyncExitStack() as pages:

        async def open_page(camera: Camera) -> Page:
            page = await running_firefox.open_page(camera)
            pages.push_async_callback(page.close)
            return page

        yield open_page


@pytest_asyncio.fixture(loop_scope="session")
async def start_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StartServer]:
    """Starts demo servers (arguments as server.start has them); each must stop cleanly."""
    async with AsyncExitStack() as servers:

        async def start(*flags: str, **options: Any) -> Server:
            folder = tmp_path_factory.mktemp("server")
            running = await server_process.start(folder, *flags, **options)
            servers.push_async_callback(running.stop)
            return running

        yield start


@pytest_asyncio.fixture(loop_scope="session")
async def server(start_server: StartServer) -> Server:
    return await start_server()

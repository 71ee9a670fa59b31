"""Fixtures for tests over bad networks: links, and browsers on the machine at a link's far end.

    alices = make_link(loss=0.2)
    page = await open_chromium_at(alices.client, ALICE)

Servers and browsers are those of the end-to-end tests; Firefox starts once for each machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Playwright

from tests.e2e.browsers import chromium, firefox, sound
from tests.e2e.browsers.fakes import Camera
from tests.e2e.browsers.page import Page
from tests.e2e.conftest import artifacts, open_chromium, playwright, server, start_server
from tests.netns.hosts import Host, new_host, this_host
from tests.netns.impairment import Impairment
from tests.netns.link import Link
from tests.netns.routers import Kind, Published, Router

__all__ = ["artifacts", "open_chromium", "playwright", "server", "start_server"]

# Documentation's (RFC 5737, RFC 3849): no page and no browser takes them for private ones. Chromium
# refuses a private address's port 443 as a remote candidate (JsepTransportController).
PUBLIC_ADDRESS = "198.51.100.1"
PUBLIC_ADDRESS_V6 = "2001:db8::1"

OpenChromiumAt = Callable[[Host, Camera], Awaitable[chromium.ChromiumPage]]
Figure = Callable[[str, object], None]
OpenPageAt = Callable[[Host, Camera], Awaitable[Page]]


class MakeLink(Protocol):
    """A link with this impairment in both directions."""

    def __call__(
        self,
        client: Host | None = None,
        *,
        routers: Sequence[Kind] = (),
        families: Sequence[int] = (4, 6),
        attached: bool = True,
        **impairment: Any,
    ) -> Link: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Asynchronous tests of this folder share the browsers' event loop."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Notes what was measured; the run ends with a list of it."""
    return lambda name, value: request.node.user_properties.append((name, value))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call" and report.user_properties:
                said = "; ".join(f"{name} {value}" for name, value in report.user_properties)
                terminalreporter.line(f"{report.nodeid.rpartition('::')[2]}: {said}")


@pytest.fixture
def here() -> Iterator[Host]:
    """The machine of the server."""
    host = this_host()
    yield host
    host.close()


@pytest.fixture
def public_addresses(here: Host) -> Iterator[None]:
    """Gives this machine the addresses that PUBLIC_ADDRESS and PUBLIC_ADDRESS_V6 name."""
    addresses = (f"{PUBLIC_ADDRESS}/32 dev v0", f"{PUBLIC_ADDRESS_V6}/128 dev v0")
    here.ip(*(f"addr add {address} nodad" for address in addresses))
    yield
    here.ip(*(f"addr del {address}" for address in addresses))


@pytest.fixture
def make_link(here: Host) -> Iterator[MakeLink]:
    """Makes links to this machine, through routers if there are any (the client's first)."""
    with ExitStack() as stack:

        def make(
            client: Host | None = None,
            *,
            routers: Sequence[Kind] = (),
            families: Sequence[int] = (4, 6),
            attached: bool = True,
            **impairment: Any,
        ) -> Link:
            if client is None:
                client = new_host()
                stack.callback(client.close)
            next_hop, visible = here, list[Router]()
            for kind in reversed(routers):
                router = Router(kind, next_hop)
                stack.callback(router.close)
                next_hop = router.host
                if isinstance(kind, Published):
                    visible.append(router)
            link = Link(client, next_hop, families=families, attached=attached)
            stack.callback(link.close)
            for router in visible:
                router.leads_to(link.subnet[4])
            link.change(Impairment(**impairment))
            return link

        yield make


@pytest_asyncio.fixture(loop_scope="session")
async def open_chromium_at(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory, make_link: MakeLink
) -> AsyncIterator[OpenChromiumAt]:
    """Opens pages in a Chromium of a given machine; gone before the machine is."""
    async with AsyncExitStack() as pages:

        async def open_page(host: Host, camera: Camera) -> chromium.ChromiumPage:
            folder = tmp_path_factory.mktemp("chromium")
            page = await chromium.open_page(playwright, folder, camera, host)
            pages.push_async_callback(page.close)
            return page

        yield open_page


@pytest_asyncio.fixture(loop_scope="session")
async def open_firefox_at(
    tmp_path_factory: pytest.TempPathFactory, make_link: MakeLink
) -> AsyncIterator[OpenPageAt]:
    """Opens a tab in a Firefox of a given machine; gone before the machine is."""
    async with AsyncExitStack() as browsers:

        async def open_page(host: Host, camera: Camera) -> Page:
            folder = tmp_path_factory.mktemp("firefox")
            environment = await browsers.enter_async_context(sound.null_sink(folder))
            browser = await firefox.start(folder, environment, host)
            browsers.push_async_callback(browser.close)
            return await browser.open_page(camera)

        yield open_page

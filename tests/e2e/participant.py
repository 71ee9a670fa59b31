"""A person in a call: what they click and what they see, on the call page of any browser.

Tests speak of the page only through the names here, which are the page's contract with them:
Tests speak of the page only by the names here, which are the contract of the page with them:
buttons with `data-action`, and `element.session`.
"""

from __future__ import annotations

import json

import msgspec

from tests.e2e.browsers.fakes import nearest
from tests.e2e.browsers.page import Page
from tests.e2e.poll import until
from tests.e2e.stats import Flow, flow

STEP_WITHIN_S = 15.0  # for one step of a person, on a loaded machine

_ELEMENT = "document.querySelector('telemed-call')"

_TILES = """(() => {
  const roots = [document], tiles = [];
  while (roots.length) {
    const root = roots.shift();
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) roots.push(element.shadowRoot);
      if (element.hasAttribute('data-participant')) tiles.push(element);
    }
  }
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 8;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  return tiles.filter((tile) => tile.querySelector('video')).map((tile) => {
    const video = tile.querySelector('video');
    const seen = video.checkVisibility({opacityProperty: true, visibilityProperty: true});
    context.clearRect(0, 0, 8, 8);
    if (seen && video.readyState >= 2) context.drawImage(video, 0, 0, 8, 8);
    const {width, height} = video.getBoundingClientRect();
    return {
      participant: tile.dataset.participant,
      slot: tile.dataset.slot ?? '',
      live: tile.dataset.live === 'true',
      own: tile.dataset.self === 'true',
      text: tile.innerText,
      rgb: [...context.getImageData(4, 4, 1, 1).data].slice(0, 3),
      shown: [Math.round(width), Math.round(height)],
      picture: [video.videoWidth, video.videoHeight],
    };
  });
})()"""


class Tile(msgspec.Struct, frozen=True):
    """One person's place on the screen."""

    participant: str
    slot: str
    live: bool
    own: bool
    text: str
    rgb: tuple[int, int, int]
    shown: tuple[int, int]  # CSS pixels
    picture: tuple[int, int]  # pixels of the received picture

    @property
    def colour(self) -> str:
        """The name of the camera colour that can be seen, or `blank`."""
        return nearest(*self.rgb)


class Participant:
    """Alice or Bob at their browser."""

    def __init__(self, name: str, page: Page) -> None:
        self.name = name
        self.page = page

    async def open(self, link: str) -> None:
        """Open the link and press join."""
        await self.page.goto(link)
        await self.reaches("prejoin")
        await self.press("join")

    async def press(self, action: str) -> None:
        """Click the button of this name (its data-action)."""
        await until(lambda: self.offers(action), STEP_WITHIN_S, f"{self.name}: button {action}")
        await self.page.click(f'[data-action="{action}"]')

    async def offers(self, action: str) -> bool:
        """Is there such a button, visible and enabled?"""
        return bool(await self.page.evaluate(_BUTTON % json.dumps(f'[data-action="{action}"]')))

    async def state(self) -> str:
        return str(await self.page.evaluate(f"{_ELEMENT}?.dataset.state"))

    async def reaches(self, state: str, within_s: float = STEP_WITHIN_S) -> None:
        async def arrived() -> bool:
            seen.append(await self.state())
            return seen[-1] == state

        seen: list[str] = []
        try:
            await until(arrived, within_s, f"{self.name}: {state}")
        except AssertionError as error:
            said = "\n".join(self.page.messages[-20:])
            raise AssertionError(f"{error}; state {seen[-1]}\n{said}") from None

    async def tiles(self) -> list[Tile]:
        return [msgspec.convert(tile, Tile) for tile in await self.page.evaluate(_TILES)]

    async def others(self) -> list[Tile]:
        return [tile for tile in await self.tiles() if not tile.own]

    async def sees(self, *colours: str, within_s: float = STEP_WITHIN_S) -> None:
        """Wait until the others' pictures are of these colours, in any order."""

        async def shown() -> bool:
            seen[:] = [tile.colour for tile in await self.others() if tile.live]
            return sorted(seen) == sorted(colours)

        seen: list[str] = []
        try:
            await until(shown, within_s, f"{self.name} sees {colours}")
        except AssertionError as error:
            said = "\n".join(self.page.messages[-20:])
            raise AssertionError(f"{error}; sees {seen}\n{said}") from None

    async def says(self, text: str) -> None:
        """Write into the chat and send."""
        await self.page.evaluate(
            f"{_ELEMENT}.querySelector('.composer textarea').value = {json.dumps(text)}"
        )
        await self.page.evaluate(f"{_ELEMENT}.querySelector('.composer').requestSubmit()")

    async def reads(self, text: str) -> None:
        """Wait until the text stands in the chat."""

        async def there() -> bool:
            log = f"{_ELEMENT}.querySelector('[role=log]')?.textContent ?? ''"
            return text in str(await self.page.evaluate(log))

        await until(there, STEP_WITHIN_S, f"{self.name} reads {text}")

    async def flow(self) -> Flow:
        return await flow(self.page)


_BUTTON = """(() => {
  const roots = [document];
  while (roots.length) {
    const root = roots.shift();
    for (const button of root.querySelectorAll(%s)) {
      if (button.checkVisibility() && !button.disabled) return true;
    }
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) roots.push(element.shadowRoot);
    }
  }
  return false;
})()"""

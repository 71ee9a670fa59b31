"""What a test can do with a browser, whichever it is.

A page belongs to one participant. Expressions are JavaScript; a promise is awaited, the value comes
back as JSON would carry it. Selectors are CSS and also find elements inside open shadow roots.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

ANSWER_WITHIN_S = 20.0  # a hung page must not hang the run
VIEWPORT = (1280, 800)  # CSS pixels


class PageError(Exception):
    """The page threw, did not answer, or lacks the element."""


class Page(Protocol):
    """One tab. `messages` holds what it wrote to the console and what it threw."""

    messages: list[str]

    async def prepare(self, script: str) -> None:
        """Run this before any script of every page that is opened from now on."""

    async def goto(self, url: str) -> None: ...
    async def evaluate(self, expression: str) -> Any: ...
    async def click(self, selector: str) -> None: ...
    async def screenshot(self, path: Path) -> None: ...
    async def close(self) -> None: ...


def as_json(expression: str) -> str:
    """The expression wrapped so that any browser returns its awaited value as one JSON string."""
    return f"(async () => JSON.stringify((await ({expression})) ?? null))()"


DEEP_QUERY = """\
(selector) => {
  const roots = [document];
  while (roots.length) {
    const root = roots.shift();
    const found = root.querySelector(selector);
    if (found) return found;
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) roots.push(element.shadowRoot);
    }
  }
  return null;
}"""

"""What a call is like second by second, printed when a test over a bad network fails.

One line a second and person: the connection's number, what each layer of the camera sends, what
arrives, and what the link dropped. Rates are kbit/s of RTP payload, as getStats counts them.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator

import msgspec

from tests.e2e.participant import Participant
from tests.e2e.stats import CONNECTION
from tests.netns.link import Link

_INTERVAL_S = 1.0
_LOOK = f"""(async () => {{
  const connection = {CONNECTION};
  if (!connection) return null;
  const seen = window.seenConnections ??= [];
  if (!seen.includes(connection)) seen.push(connection);
  const sums = {{}}, said = [];
  let sendable = 0;
  for (const entry of (await connection.getStats()).values()) {{
    const {{type, kind}} = entry;
    sendable = Math.max(sendable, entry.availableOutgoingBitrate ?? 0);
    if (type === 'inbound-rtp') {{
      sums[kind + ' in'] = (sums[kind + ' in'] ?? 0) + entry.bytesReceived;
      if (kind === 'video') sums.decoded = (sums.decoded ?? 0) + entry.framesDecoded;
      if (kind === 'video' && entry.framesDecoded) said.push(entry.frameHeight + 'p');
    }}
    if (type === 'outbound-rtp') {{
      const name = kind === 'audio' ? 'audio' : entry.rid ?? 'screen';
      sums[name] = (sums[name] ?? 0) + entry.bytesSent;
      if (kind === 'video') sums[name + ' frames'] = entry.framesEncoded ?? 0;
    }}
  }}
  return {{number: seen.length, state: connection.connectionState, said: said.join(' '),
    sendable_bps: sendable, sums}};
}})()"""


class _Look(msgspec.Struct, frozen=True):
    number: int  # of the page's media connections so far
    state: str
    said: str
    sendable_bps: float  # the browser's own estimate; 0 where it does not tell
    sums: dict[str, float]  # bytes and frames since the connection began


class Timeline:
    """Lines of text; times are seconds since the beginning."""

    def __init__(self, link: Link, *people: Participant) -> None:
        self.lines: list[str] = []
        self._link = link
        self._people = people
        self._began = self._looked = time.monotonic()
        self._before: dict[str, dict[str, float]] = {}

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """While this lasts it is watched; pytest shows the lines of a test that failed."""
        task = asyncio.create_task(self._watch(), name="timeline")
        try:
            yield
        finally:
            task.cancel()
            sys.stdout.write("\n".join([*self.lines, ""]))

    def mark(self, what: str) -> None:
        self.lines.append(f"--- {time.monotonic() - self._began:.1f} {what}")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL_S)
            await self._look()

    async def _look(self) -> None:
        now = time.monotonic()
        elapsed, self._looked = now - self._looked, now
        counts = self._link.report()
        dropped = f"dropped {counts.up.overflowed} up {counts.down.overflowed} down"
        for person in self._people:
            found = await person.page.evaluate(_LOOK)
            look = msgspec.convert(found, _Look | None)
            line = self._line(person.name, look, elapsed) if look else "no connection"
            self.lines.append(f"{now - self._began:5.1f} {person.name}: {line}; {dropped}")

    def _line(self, name: str, look: _Look, elapsed: float) -> str:
        before = self._before.get(name, {})
        self._before[name] = look.sums
        rates = [
            f"{what} {self._rate(what, total - before.get(what, 0.0), elapsed):.0f}"
            for what, total in sorted(look.sums.items())
            if total != before.get(what, 0.0)
        ]
        sendable = f"may send {look.sendable_bps / 1000:.0f}"
        return f"#{look.number} {look.state} {look.said} {sendable}; {', '.join(rates)}"

    def _rate(self, what: str, more: float, elapsed: float) -> float:
        """Frames a second, or kbit/s."""
        return more / elapsed * (1 if what.endswith(("frames", "decoded")) else 0.008)

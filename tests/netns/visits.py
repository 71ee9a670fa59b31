"""What a test over a bad network asks of a visit: how long the join took, by which way, what gaps.

Gaps are watched in the page itself, every 50 ms, so that a busy test process does not widen them.
"""

from __future__ import annotations

import time

import msgspec

from tests.e2e.browsers.page import Page
from tests.e2e.participant import Participant
from tests.e2e.poll import until
from tests.e2e.stats import CONNECTION

SPEECH = (
    "Good morning, doctor. The cough began on Monday, and since Wednesday I have had a fever of "
    "thirty eight point five. I take one tablet in the morning and another before I go to bed."
)

_SELECTED = f"""(async () => {{
  const report = await {CONNECTION}.getStats();
  const all = [...report.values()];
  const chosen = all.find((entry) => entry.type === 'transport')?.selectedCandidatePairId;
  const pair = chosen ? report.get(chosen)
    : all.find((entry) => entry.type === 'candidate-pair' && entry.selected);
  const local = report.get(pair.localCandidateId);
  return {{kind: local.candidateType, protocol: local.protocol, relay: local.relayProtocol ?? ''}};
}})()"""

_WATCH = f"""(() => {{
  const watched = {{audio: {{count: 0}}, video: {{count: 0}}}};
  const restart = () => {{
    for (const one of Object.values(watched)) {{
      one.since = performance.now();
      one.longest = 0;
    }}
  }};
  restart();
  let connection;
  setInterval(async () => {{
    const now = {CONNECTION};
    const counts = {{audio: 0, video: 0}};
    for (const entry of now ? (await now.getStats()).values() : []) {{
      if (entry.type !== 'inbound-rtp') continue;
      counts[entry.kind] += entry.kind === 'audio' ? entry.packetsReceived : entry.framesDecoded;
    }}
    for (const [kind, one] of Object.entries(watched)) {{
      const gap = performance.now() - one.since;
      one.longest = Math.max(one.longest, gap);
      if (now === connection && counts[kind] > one.count) one.since = performance.now();
      one.count = counts[kind];
    }}
    connection = now;
  }}, 50);
  window.gaps = () => {{
    const {{audio, video}} = watched;
    const said = {{audio_s: audio.longest / 1000, video_s: video.longest / 1000}};
    restart();
    return said;
  }};
}})()"""


class Way(msgspec.Struct, frozen=True):
    """The local candidate in use."""

    kind: str  # host, srflx, prflx, relay
    protocol: str  # udp, tcp
    relay: str  # udp, tcp, tls, where it is a relay


class Gaps(msgspec.Struct, frozen=True):
    """The longest times without new sound and without a new frame."""

    audio_s: float
    video_s: float


class Sound(msgspec.Struct, frozen=True):
    """Of what was played: how much had to be made up."""

    samples: int
    concealed: int
    silent: int  # of the concealed

    def share_since(self, before: Sound) -> float:
        """Concealed share of what was played since then."""
        return (self.concealed - before.concealed) / max(1, self.samples - before.samples)


async def join_s(person: Participant, link: str) -> float:
    """Seconds from pressing join until picture and sound of somebody else arrive."""
    await person.page.goto(link)
    await person.reaches("prejoin")
    begun = time.monotonic()
    await person.press("join")

    async def flows() -> bool:
        now = await person.flow()
        return now.frames > 0 and now.audio_packets > 0

    await until(flows, 30, f"{person.name}: picture and sound")
    return time.monotonic() - begun


async def way(person: Participant) -> Way:
    """How this person's media travels now."""
    return msgspec.convert(await person.page.evaluate(_SELECTED), Way)


async def watch_gaps(page: Page) -> None:
    """Begin to watch; to be called once for a page."""
    await page.evaluate(_WATCH)


async def gaps(page: Page) -> Gaps:
    """The longest gaps since the last question."""
    return msgspec.convert(await page.evaluate("window.gaps()"), Gaps)


async def sound(person: Participant) -> Sound:
    """What this person has heard so far, all streams together."""
    streams = (await person.flow()).inbound
    return Sound(
        samples=sum(stream.total_samples_received for stream in streams),
        concealed=sum(stream.concealed_samples for stream in streams),
        silent=sum(stream.silent_concealed_samples for stream in streams),
    )

"""What a participant receives and sends, from the call element's own connection (getStats)."""

from __future__ import annotations

import msgspec

from tests.e2e.browsers.page import Page

CONNECTION = "document.querySelector('telemed-call').session?.pc"

_ENTRIES = f"""(async () => {{
  const connection = {CONNECTION};
  if (!connection) return [];
  const report = await connection.getStats();
  const mids = new Map(connection.getTransceivers().map((t) => [t.receiver.track.id, t.mid]));
  return [...report.values()]
    .filter((entry) => ['inbound-rtp', 'outbound-rtp'].includes(entry.type))
    .map((entry) => ({{...entry, mid: entry.mid ?? mids.get(entry.trackIdentifier) ?? ''}}));
}})()"""


class Inbound(msgspec.Struct, frozen=True, rename="camel"):
    """One received stream; counters since it began."""

    mid: str
    kind: str
    ssrc: int
    packets_received: int = 0
    packets_lost: int = 0  # for good or repaired by RTX
    retransmitted_packets_received: int = 0
    bytes_received: int = 0
    frames_received: int = 0
    frames_decoded: int = 0
    frames_dropped: int = 0
    frame_width: int = 0  # pixels
    frame_height: int = 0
    freeze_count: int = 0
    total_freezes_duration: float = 0.0  # s
    total_audio_energy: float = 0.0  # stays 0 in Chromium while the element is muted
    total_samples_received: int = 0  # of sound, with what was made up for it
    concealed_samples: int = 0  # made up in place of lost packets
    silent_concealed_samples: int = 0  # of those: silence, not a guess at what was said
    key_frames_decoded: int = 0
    nack_count: int = 0
    pli_count: int = 0


class Outbound(msgspec.Struct, frozen=True, rename="camel"):
    """One sent stream: each simulcast layer has its own, told apart by `rid`."""

    mid: str
    kind: str
    ssrc: int
    rid: str = ""
    packets_sent: int = 0
    frames_encoded: int = 0
    frame_width: int = 0  # pixels
    frame_height: int = 0
    retransmitted_packets_sent: int = 0


class Flow(msgspec.Struct, frozen=True):
    """Everything that flows at one moment."""

    inbound: tuple[Inbound, ...]
    outbound: tuple[Outbound, ...]

    @property
    def video_in(self) -> tuple[Inbound, ...]:
        return tuple(s for s in self.inbound if s.kind == "video" and s.frames_decoded)

    @property
    def audio_in(self) -> tuple[Inbound, ...]:
        return tuple(s for s in self.inbound if s.kind == "audio" and s.packets_received)

    @property
    def frames(self) -> int:
        """Video frames decoded, all streams together."""
        return sum(stream.frames_decoded for stream in self.inbound)

    @property
    def audio_packets(self) -> int:
        return sum(s.packets_received for s in self.inbound if s.kind == "audio")

    @property
    def audio_energy(self) -> float:
        return sum(stream.total_audio_energy for stream in self.inbound)

    @property
    def frozen_s(self) -> float:
        return sum(stream.total_freezes_duration for stream in self.inbound)

    def layers(self) -> dict[str, Outbound]:
        """The camera's simulcast layers that carry packets, by rid."""
        return {s.rid: s for s in self.outbound if s.rid and s.packets_sent and s.frames_encoded}


async def flow(page: Page) -> Flow:
    """What flows now; empty where the page has no connection."""
    entries = await page.evaluate(_ENTRIES)
    return Flow(
        inbound=tuple(msgspec.convert(e, Inbound) for e in entries if e["type"] == "inbound-rtp"),
        outbound=tuple(
            msgspec.convert(e, Outbound) for e in entries if e["type"] == "outbound-rtp"
        ),
    )

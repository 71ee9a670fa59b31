"""ICE-TCP (RFC 6544): the client connects, we are passive; packets are framed by RFC 4571."""

from __future__ import annotations

import time
from collections.abc import Callable

from sfu.core.limits import Bucket, Rate
from sfu.core.stream.counters import EdgeCounters
from sfu.core.stream.framing import Deframer, FramingError, frame, measure_frame
from sfu.core.turn.message import Address
from sfu.edge.stream import Stream
from sfu.edge.worker_link import WorkerLink

UNCLAIMED_S = 15.0  # from the first byte to an authenticated check that finds a peer
SILENT_S = 60.0  # twice the time of consent (RFC 7675): nobody checks this way any more
UNCLAIMED = Rate(burst=100, per_s=50)  # packets: Chromium sends a check each 48 ms (measured)
RTCP_TYPES = range(64, 96)  # of RFC 5761 section 4, second byte without the marker


class IceTcp:
    """One path. `ended` is called once, however it ends."""

    def __init__(
        self,
        stream: Stream,
        link: WorkerLink,
        client: Address,
        counters: EdgeCounters,
        ended: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._link = link
        self._counters = counters
        self._ended: Callable[[], None] | None = ended
        self._frames = Deframer(measure_frame)
        self._opened_at = time.monotonic()
        self._unclaimed: Bucket | None = Bucket(UNCLAIMED, self._opened_at)
        self._video: frozenset[int] = frozenset()
        self._path = link.open(self, "ice-tcp", client.host, client.port)

    def start(self, first: bytes) -> None:
        """Go on with what came already."""
        if self._path is None:
            self.close()
            return
        self._stream.start(self._receive, self.close)
        if first:
            self._receive(first)

    def is_over(self, now: float) -> bool:
        """Whether it is time to give the connection up."""
        unclaimed = self._unclaimed is not None and now - self._opened_at > UNCLAIMED_S
        return unclaimed or now - self._stream.heard_at > SILENT_S

    def close(self) -> None:
        """Idempotent."""
        ended, self._ended = self._ended, None
        if ended is None:
            return
        if self._path is not None:
            self._link.close(self._path)
        self._stream.close()
        ended()

    # for the link

    def deliver(self, path: int, packets: list[bytes]) -> None:  # noqa: ARG002 - there is one path
        for packet in packets:
            self._stream.send(frame(packet), video=is_video(packet, self._video))
        self._stream.flush()

    def claimed(self, video: frozenset[int]) -> None:
        self._unclaimed = None
        self._video = video

    def cut(self) -> None:
        self.close()

    def _receive(self, data: bytes) -> None:
        try:
            packets = self._frames.feed(data)
        except FramingError:
            self._counters.edge_broken += 1
            self.close()
            return
        if self._unclaimed is not None:
            now = time.monotonic()
            allowed = [packet for packet in packets if self._unclaimed.take(now)]
            self._counters.edge_dropped_early += len(packets) - len(allowed)
            packets = allowed
        if packets and self._path is not None:
            self._link.send(self._path, packets)


def is_video(packet: bytes, ssrcs: frozenset[int]) -> bool:
    """Whether it is RTP (RFC 7983) of one of these streams; an SRTP header is readable."""
    return (
        127 < packet[0] < 192
        and packet[1] & 0x7F not in RTCP_TYPES
        and int.from_bytes(packet[8:12]) in ssrcs
    )

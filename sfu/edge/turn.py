"""A client's TURN connection over TCP or TLS: `sfu.core.turn.server` with its stream and its paths.

Each of our media addresses that the client sends to is one path of the worker's, whose public
address is the relayed one: as if a relay far away sent from there.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from sfu.core.limits import Bucket, Rate
from sfu.core.stream.counters import EdgeCounters
from sfu.core.stream.framing import Deframer, FramingError, measure_turn
from sfu.core.turn.message import Address, StunError
from sfu.core.turn.server import Ended, Relay, Relayed, Reply, TurnClient
from sfu.edge.ice_tcp import UNCLAIMED, is_video
from sfu.edge.stream import Stream
from sfu.edge.worker_link import WorkerLink

UNALLOCATED_S = 15.0  # two round trips, after a retransmission or two
REQUESTS = Rate(burst=60, per_s=5)  # a browser starts with 3, and 2 for each address of ours


class Turn:
    """One connection. `ended` is called once, however it ends. `clock` gives Unix seconds."""

    def __init__(
        self,
        stream: Stream,
        link: WorkerLink,
        relay: Relay,
        client: Address,
        counters: EdgeCounters,
        clock: Callable[[], float],
        ended: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._link = link
        self._counters = counters
        self._clock = clock
        self._ended: Callable[[], None] | None = ended
        self._frames = Deframer(measure_turn)
        self._opened_at = time.monotonic()
        self._client = TurnClient(relay, client, secrets.token_hex(8), clock())
        self._requests = Bucket(REQUESTS, self._opened_at)
        self._unclaimed: Bucket | None = Bucket(UNCLAIMED, self._opened_at)
        self._video: frozenset[int] = frozenset()
        self._paths: dict[Address, int] = {}
        self._peers: dict[int, Address] = {}

    def start(self, first: bytes) -> None:
        """Go on with what came already."""
        self._stream.start(self._receive, self.close)
        if first:
            self._receive(first)

    def is_over(self, now: float) -> bool:
        """Whether it is time to give the connection up."""
        if self._client.allocation is None:
            return now - self._opened_at > UNALLOCATED_S
        return self._client.has_expired(self._clock())

    def close(self) -> None:
        """Idempotent."""
        ended, self._ended = self._ended, None
        if ended is None:
            return
        for path in self._paths.values():
            self._link.close(path)
        self._client.close()
        self._stream.close()
        ended()

    # for the link

    def deliver(self, path: int, packets: list[bytes]) -> None:
        peer, now = self._peers[path], self._clock()
        for packet in packets:
            framed = self._client.to_client(peer, packet, now)
            if framed is not None:
                self._stream.send(framed, video=is_video(packet, self._video))
        self._stream.flush()

    def claimed(self, video: frozenset[int]) -> None:
        self._unclaimed = None
        self._client.claimed = True
        self._video = video

    def cut(self) -> None:
        self.close()

    def _receive(self, data: bytes) -> None:
        now = self._clock()
        try:
            for message in self._frames.feed(data):
                if self._ended is None:
                    return
                if _is_request(message) and not self._requests.take(time.monotonic()):
                    raise StunError("too many requests")
                self._obey(message, now)
        except (FramingError, StunError):
            self._counters.edge_broken += 1
            self.close()
            return
        self._stream.flush()

    def _obey(self, message: bytes, now: float) -> None:
        had, refused = self._client.allocation, self._client.refused
        for output in self._client.receive(message, now):
            match output:
                case Reply():
                    self._stream.send(output.data)
                case Relayed():
                    self._relay(output)
                case Ended():
                    self._stream.flush()
                    self.close()
        self._counters.turn_refused += self._client.refused - refused
        self._counters.turn_allocations += had is None and self._client.allocation is not None

    def _relay(self, output: Relayed) -> None:
        if self._unclaimed is not None and not self._unclaimed.take(time.monotonic()):
            self._counters.edge_dropped_early += 1
            return
        path = self._paths.get(output.peer)
        if path is None:
            path = self._open(output.peer)
        if path is not None:
            self._link.send(path, [output.data])

    def _open(self, peer: Address) -> int | None:
        allocation = self._client.allocation
        if allocation is None:
            return None
        path = self._link.open(self, "turn", allocation.relayed.host, allocation.relayed.port)
        if path is not None:
            self._paths[peer] = path
            self._peers[path] = peer
        return path


def _is_request(message: bytes) -> bool:
    """Firefox puts every packet of media into an indication, so these are not charged."""
    return message[0] < 64 and not int.from_bytes(message[:2]) & 0x0110

"""What waits to be written to one TCP connection: never more than a moment of media.

TCP delivers everything, however late; late media is worth nothing and delays what follows. So once
the oldest packet has waited `VIDEO_WAITS_S`, all video that waits is dropped, after `AUDIO_WAITS_S`
everything else, too. Whoever watches asks for a keyframe then. Time is a parameter (seconds).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

VIDEO_WAITS_S = 0.2  # design/media.md
AUDIO_WAITS_S = 1.0  # a talker's pause; a jitter buffer would throw more away
MAX_WAITING_BYTES = 256 * 1024  # 200 ms of 10 Mbit/s
CHUNK_BYTES = 4096  # of one write: at 300 kbit/s 110 ms that nothing can be taken out of


class Outbox:
    """`put` packets with their framing, `take` what goes next."""

    __slots__ = ("_waiting", "dropped", "waiting_bytes")

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, bool, bytes]] = deque()  # since, is video, framed
        self.waiting_bytes = 0
        self.dropped = 0

    def put(self, framed: bytes, now: float, *, video: bool) -> None:
        """One more packet; where too much waits it is dropped, or what video waits before sound."""
        self._expire(now)
        if not video and self.waiting_bytes + len(framed) > MAX_WAITING_BYTES:
            self._keep(lambda _since, is_video: not is_video)
        if self.waiting_bytes + len(framed) > MAX_WAITING_BYTES:
            self.dropped += 1
            return
        self._waiting.append((now, video, framed))
        self.waiting_bytes += len(framed)

    def take(self, now: float) -> bytes:
        """Whole packets of up to `CHUNK_BYTES` together, b"" where none waits."""
        self._expire(now)
        taken: list[bytes] = []
        size = 0
        while self._waiting and (not size or size + len(self._waiting[0][2]) <= CHUNK_BYTES):
            framed = self._waiting.popleft()[2]
            taken.append(framed)
            size += len(framed)
        self.waiting_bytes -= size
        return b"".join(taken)

    def _expire(self, now: float) -> None:
        if self._waiting and now - self._waiting[0][0] > VIDEO_WAITS_S:
            self._keep(lambda since, is_video: not is_video and now - since <= AUDIO_WAITS_S)

    def _keep(self, is_worth: Callable[[float, bool], bool]) -> None:
        kept = deque(each for each in self._waiting if is_worth(each[0], each[1]))
        self.dropped += len(self._waiting) - len(kept)
        self.waiting_bytes = sum(len(framed) for _, _, framed in kept)
        self._waiting = kept

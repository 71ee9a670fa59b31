"""The last second of one received stream: plain RTP packets by extended sequence number.

Written by the executor once per packet, read by the forwarder every few milliseconds and on NACK.
Indexing is modulo a power of two, so a put and a get are one list access each; `drop_older` keeps
memory bounded by time as well (design: 1 s of video, 0.5 s of audio).
"""

from __future__ import annotations

from array import array

VIDEO_PACKETS = 512  # 1.2 Mbit/s of 1100-byte packets is 140 packets/s; bursts of a keyframe fit
AUDIO_PACKETS = 128  # 2.5 s at 20 ms
REORDERED = 32  # packets of a stream's start that may come after a later one


class Ring:
    """`capacity` is a power of two; sequence numbers are extended (never wrap)."""

    __slots__ = ("_arrivals", "_mask", "_packets", "_seqs", "_tail", "capacity", "highest")

    def __init__(self, capacity: int) -> None:
        if capacity & (capacity - 1):
            raise ValueError("capacity must be a power of two")
        self.capacity = capacity
        self.highest = -1
        self._mask = capacity - 1
        self._tail = -1  # everything below has been dropped
        self._packets: list[bytes | None] = [None] * capacity
        self._seqs = array("q", [-1]) * capacity
        self._arrivals = array("d", [0.0]) * capacity

    def put(self, seq: int, packet: bytes | None, arrival: float) -> bool:
        """Store a packet (None: it came empty); False for a duplicate or one too old to keep."""
        index = seq & self._mask
        if self._seqs[index] >= seq or seq < self._tail or seq <= self.highest - self.capacity:
            return False
        self._seqs[index] = seq
        self._packets[index] = packet
        self._arrivals[index] = arrival
        if seq > self.highest:
            if self.highest < 0:
                self._tail = seq - REORDERED
            self.highest = seq
        return True

    def get(self, seq: int) -> bytes | None:
        index = seq & self._mask
        return self._packets[index] if self._seqs[index] == seq else None

    def has(self, seq: int) -> bool:
        """Whether this packet was received, even if it was empty or has been dropped since."""
        return self._seqs[seq & self._mask] == seq

    def arrival(self, seq: int) -> float:
        """Seconds; only for a sequence number that `has`."""
        return self._arrivals[seq & self._mask]

    def lowest(self) -> int:
        """The oldest sequence number that is kept; only where there is one."""
        return next(seq for seq in range(self._tail, self.highest + 1) if self.has(seq))

    def drop_older(self, horizon: float) -> None:
        """Release packets that arrived before `horizon`; the newest one always stays."""
        seq = max(self._tail, self.highest - self.capacity + 1)
        while seq < self.highest:
            index = seq & self._mask
            if self._seqs[index] == seq:
                if self._arrivals[index] >= horizon:
                    break
                self._packets[index] = None
            seq += 1
        self._tail = seq

"""What a stranger sends: good packets with a few things changed, and what reading them may cost."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable, Sequence

from hypothesis import settings
from hypothesis import strategies as st

DATAGRAM_BYTES = 65_507  # the largest UDP payload over IPv4
FEW = 5
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "test")
_LENGTHS = [bytes(2), b"\x00\x01", b"\x7f\xff", b"\x80\x00", b"\xff\xff", b"\xff", b"\x00"]
_REPEATS = 5


def examples(count: int) -> settings:
    """So many examples in `make test`; twenty times as many in `make prove`, a fifth in
    `make quick`, a few for coverage."""
    others = {"prove": 20 * count, "quick": max(FEW, count // 5), "cover": FEW}
    return settings(max_examples=others.get(PROFILE, count))


@st.composite
def mutated(draw: st.DrawFn, golden: Sequence[bytes], max_bytes: int = 4_000) -> bytes:
    """One of the good packets after one to five changes: bits flipped, cut, bytes put in or taken
    out, a length field overwritten, a part repeated, another packet put behind or before it."""
    packet = draw(st.sampled_from(golden))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(packet)))
        end = min(len(packet), at + draw(st.integers(0, 12)))
        head, part, tail = packet[:at], packet[at:end], packet[end:]
        kind = draw(st.integers(0, 6))
        if kind == 0 and part:
            packet = head + bytes((part[0] ^ 1 << draw(st.integers(0, 7)),)) + part[1:] + tail
        elif kind == 1:
            packet = head
        elif kind == 2:
            packet = head + draw(st.binary(max_size=8)) + part + tail
        elif kind == 3:
            field = draw(st.sampled_from(_LENGTHS))
            packet = head + field + packet[at + len(field) :]
        elif kind == 4:
            packet = head + part * draw(st.integers(0, 50)) + tail
        else:
            other = draw(st.sampled_from(golden))
            packet = packet + other if kind == 5 else other[: len(other) // 2] + packet
        packet = packet[:max_bytes]
    return packet


def seconds(call: Callable[[bytes], object], data: bytes) -> float:
    """CPU seconds of the quickest of a few calls."""
    times = []
    for _ in range(_REPEATS):
        begin = time.process_time()
        call(data)
        times.append(time.process_time() - begin)
    return min(times)


def peak_bytes(call: Callable[[bytes], object], data: bytes) -> int:
    """The most memory that a call held at once."""
    tracemalloc.start()
    try:
        call(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def grows_linearly(call: Callable[[bytes], object], unit: bytes, head: bytes = b"") -> bool:
    """Whether eight times the packet costs at most some twenty times the time and memory; a call
    that costs little anyway may do as it likes (five milliseconds, 2 MiB)."""
    count = (DATAGRAM_BYTES - len(head)) // len(unit)
    small, large = head + unit * (count // 8), head + unit * count
    time_ok = seconds(call, large) <= max(0.005, 20 * seconds(call, small))
    return time_ok and peak_bytes(call, large) <= max(1 << 21, 20 * peak_bytes(call, small))

"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

A receiver reports for a run of transport-wide sequence numbers which packets came and when. On the
wire that is a base number, a reference time in units of 64 ms, one symbol per packet (missing,
small delta, large or negative delta) packed into two-byte chunks, and then a delta of 250 µs ticks
per packet that came, each since the one before it; the first delta counts from the reference time.

    chunk  |0|sym| run length 13 |     |1|0| 14 one-bit symbols |     |1|1| 7 two-bit symbols |

Ticks are rounded on the absolute time, so errors do not add up. `report` cuts a list of arrivals
where a delta or the gap between numbers does not fit, and where a packet would be too long.

measured (100 packets with 2 % loss, µs): build_feedback 60, read 10; the most that one datagram
can ask for is read in 0.8 ms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from operator import sub
from struct import Struct, error
from typing import cast

from sfu.core.rtp.packets import RtcpError, TransportFeedback

TICK_US = 250
REFERENCE_US = 64_000
MAX_BYTES = 1200  # a whole RTCP packet, so that it fits any path
MAX_STATUSES = 8192  # read from one packet; about 8 s of video at 8 Mbit/s, all lost
_MAX_GAP = 0x1FFF  # numbers, what one run-length chunk says
_SURELY_FITS = 500  # packets: 20 bytes of headers, a chunk for each 7, two bytes of delta each
_RTCP_HEADER_BYTES = 12  # RFC 4585 6.1
_MAX_SMALL = 0xFF  # ticks
_MISSING, _SMALL, _LARGE = 0, 1, 2

_TICKS_PER_REFERENCE = REFERENCE_US // TICK_US

_rtcp_head = Struct("!BBHII")
_head = Struct("!HHI")
_chunk = Struct("!H")
_ONE_CHUNK_BYTES = _head.size + _chunk.size
_large_delta = Struct("!h")


def arrival_times_us(feedback: TransportFeedback) -> list[tuple[int, int | None]]:
    """(16-bit seq, arrival on the reporter's clock in µs or None) for each reported packet."""
    now = feedback.reference_time * REFERENCE_US
    times: list[tuple[int, int | None]] = []
    for seq, delta in enumerate(feedback.deltas, feedback.base_seq):
        if delta is not None:
            now += delta * TICK_US
        times.append((seq & 0xFFFF, None if delta is None else now))
    return times


def report(
    arrivals: Sequence[tuple[int, int]], sender: int, media: int, feedback_count: int
) -> list[TransportFeedback]:
    """Feedback for (extended sequence number, arrival in µs) pairs in any order; one mostly.

    Of a number that came twice the earlier arrival counts. Successive feedbacks count up from
    `feedback_count`.
    """
    whole = _whole(arrivals, sender, media, feedback_count)
    if whole is not None:
        return [whole]
    by_seq: dict[int, int] = {}
    for seq, arrival_us in arrivals:
        by_seq[seq] = min(arrival_us, by_seq.get(seq, arrival_us))
    ticks = [(seq, (by_seq[seq] + TICK_US // 2) // TICK_US) for seq in sorted(by_seq)]
    fitting = [part for piece in _pieces(ticks) for part in _halves(piece)]
    return [
        _feedback(piece, sender, media, feedback_count + number & 0xFF)
        for number, piece in enumerate(fitting)
    ]


def _whole(
    arrivals: Sequence[tuple[int, int]], sender: int, media: int, feedback_count: int
) -> TransportFeedback | None:
    """Where all came once, in order, each soon after the one before: nearly always; else None."""
    count = len(arrivals)
    if not 0 < count < _SURELY_FITS:
        return None
    seqs, times = zip(*arrivals, strict=True)
    base = seqs[0]
    if seqs != tuple(range(base, base + count)):
        return None
    ticks = [(arrival_us + TICK_US // 2) // TICK_US for arrival_us in times]
    reference = ticks[0] // _TICKS_PER_REFERENCE
    deltas = tuple(map(sub, ticks, (reference * _TICKS_PER_REFERENCE, *ticks)))
    if min(deltas) < 0 or max(deltas) > _MAX_SMALL:
        return None
    reference = (reference + 0x800000 & 0xFFFFFF) - 0x800000
    return TransportFeedback(sender, media, base & 0xFFFF, reference, feedback_count & 0xFF, deltas)


def build_feedback(
    arrivals: Sequence[tuple[int, int]], sender: int, media: int, feedback_count: int
) -> list[bytes]:
    """`report` as whole RTCP packets, each a datagram of at most MAX_BYTES."""
    return [
        _rtcp_head.pack(0x8F, 205, 2 + len(body) // 4, sender, media) + body
        for body in map(write, report(arrivals, sender, media, feedback_count))
    ]


def write(feedback: TransportFeedback) -> bytes:
    """The feedback control information: what follows the two ssrcs, padded to whole words."""
    time_and_count = (feedback.reference_time & 0xFFFFFF) << 8 | feedback.feedback_count & 0xFF
    head = _head.pack(feedback.base_seq, len(feedback.deltas), time_and_count)
    body = head + _statuses(feedback.deltas)
    return body + bytes(-len(body) % 4)


def _statuses(all_deltas: tuple[int | None, ...]) -> bytes:
    """Chunks and deltas; one chunk where all came, each by a small delta."""
    if 0 < len(all_deltas) <= _MAX_GAP and None not in all_deltas:
        with suppress(ValueError):  # one of them is large
            return _chunk.pack(_SMALL << 13 | len(all_deltas)) + bytes(
                cast("tuple[int, ...]", all_deltas)
            )
    symbols, deltas = [], bytearray()
    for delta in all_deltas:
        if delta is None:
            symbols.append(_MISSING)
        elif 0 <= delta <= 0xFF:
            symbols.append(_SMALL)
            deltas.append(delta)
        else:
            symbols.append(_LARGE)
            deltas += _large_delta.pack(delta)
    return b"".join(map(_chunk.pack, _chunks(symbols))) + deltas


def status_count(body: bytes, at: int = 0) -> int:
    """How many packets the body that begins `at` speaks of, known before it is read.

    Raises:
        RtcpError: shorter than its head.
    """
    if len(body) < at + _head.size:
        raise RtcpError("transport feedback cut short")
    return body[at + 2] << 8 | body[at + 3]


def read(sender: int, media: int, body: bytes) -> TransportFeedback:
    """Read feedback control information.

    Raises:
        RtcpError: cut short, a reserved symbol, or more than MAX_STATUSES packets.
    """
    try:
        base, count, time_and_count = _head.unpack_from(body)
        if count > MAX_STATUSES:
            raise RtcpError("transport feedback for too many packets")
        deltas = _all_came(body, count) or _deltas(body, count)
    except (error, IndexError):
        raise RtcpError("transport feedback cut short") from None
    reference = time_and_count >> 8
    reference -= (reference & 0x800000) << 1
    return TransportFeedback(sender, media, base, reference, time_and_count & 0xFF, deltas)


def _pieces(ticks: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Runs in which each delta and each gap fits."""
    piece: list[tuple[int, int]] = []
    for seq, tick in ticks:
        if piece and not (
            seq - piece[-1][0] <= _MAX_GAP
            and seq - piece[0][0] < MAX_STATUSES
            and -0x8000 <= tick - piece[-1][1] <= 0x7FFF
        ):
            yield piece
            piece = []
        piece.append((seq, tick))
    if piece:
        yield piece


def _halves(piece: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """The piece, or as many parts of it as make packets of at most MAX_BYTES."""
    if piece[-1][0] - piece[0][0] < _SURELY_FITS:
        return [piece]
    if _RTCP_HEADER_BYTES + len(write(_feedback(piece, 0, 0, 0))) <= MAX_BYTES:
        return [piece]
    middle = len(piece) // 2
    return _halves(piece[:middle]) + _halves(piece[middle:])


def _feedback(
    piece: list[tuple[int, int]], sender: int, media: int, count: int
) -> TransportFeedback:
    base, last = piece[0][0], piece[-1][0]
    reference = piece[0][1] // _TICKS_PER_REFERENCE
    came, previous = dict(piece), reference * _TICKS_PER_REFERENCE
    deltas: list[int | None] = []
    for seq in range(base, last + 1):
        tick = came.get(seq)
        if tick is None:
            deltas.append(None)
        else:
            deltas.append(tick - previous)
            previous = tick
    reference = (reference + 0x800000 & 0xFFFFFF) - 0x800000
    return TransportFeedback(sender, media, base & 0xFFFF, reference, count, tuple(deltas))


def _chunks(symbols: list[int]) -> Iterator[int]:
    """The fewest chunks that a greedy walk finds: a run where it reaches as far as a vector."""
    at, end = 0, len(symbols)
    while at < end:
        window = symbols[at : at + 14]
        one_bit = _LARGE not in window
        reach = len(window) if one_bit else min(7, len(window))
        run = _run_length(symbols, at)
        if run >= reach:
            yield symbols[at] << 13 | run
            at += run
        elif one_bit:
            yield 0x8000 | _packed(window, 1, 14)
            at += reach
        else:
            yield 0xC000 | _packed(window[:7], 2, 7)
            at += reach


def _run_length(symbols: list[int], at: int) -> int:
    symbol, end = symbols[at], at + 1
    limit = min(len(symbols), at + _MAX_GAP)
    while end < limit and symbols[end] == symbol:
        end += 1
    return end - at


def _packed(symbols: list[int], bits: int, places: int) -> int:
    value = 0
    for symbol in symbols:
        value = value << bits | symbol
    return value << bits * (places - len(symbols))


def _symbols(body: bytes, count: int) -> tuple[list[int], int]:
    """One symbol per packet, and where the deltas begin."""
    symbols: list[int] = []
    at = _head.size
    while len(symbols) < count:
        (chunk,) = _chunk.unpack_from(body, at)
        at += 2
        if chunk < 0x8000:
            symbols += [chunk >> 13] * min(chunk & 0x1FFF, count - len(symbols))
        elif chunk < 0xC000:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
        else:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
    del symbols[count:]
    return symbols, at


def _all_came(body: bytes, count: int) -> tuple[int, ...]:
    """The deltas where one chunk says that all came, each by a small one; else nothing."""
    end = _ONE_CHUNK_BYTES + count
    chunk = int.from_bytes(body[_head.size : _ONE_CHUNK_BYTES])
    if chunk != _SMALL << 13 | count or len(body) < end:
        return ()
    return tuple(body[_ONE_CHUNK_BYTES:end])


def _deltas(body: bytes, count: int) -> tuple[int | None, ...]:
    symbols, at = _symbols(body, count)
    deltas: list[int | None] = []
    for symbol in symbols:
        if symbol == _MISSING:
            deltas.append(None)
        elif symbol == _SMALL:
            deltas.append(body[at])
            at += 1
        elif symbol == _LARGE:
            deltas += _large_delta.unpack_from(body, at)
            at += 2
        else:
            raise RtcpError("reserved symbol in transport feedback")
    return tuple(deltas)

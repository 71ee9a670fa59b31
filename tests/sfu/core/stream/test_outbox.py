"""What waits for a slow connection is never old, in virtual time."""

from __future__ import annotations

from sfu.core.stream.outbox import CHUNK_BYTES, MAX_WAITING_BYTES, Outbox


def test_packets_go_in_their_order_and_whole() -> None:
    outbox = Outbox()
    for number in range(10):
        outbox.put(bytes([number]) * 1000, 0.0, video=True)
    taken = []
    while chunk := outbox.take(0.1):
        assert len(chunk) <= CHUNK_BYTES
        taken.append(chunk)
    assert b"".join(taken) == b"".join(bytes([number]) * 1000 for number in range(10))
    assert outbox.waiting_bytes == outbox.dropped == 0


def test_after_two_hundred_milliseconds_video_is_dropped_and_sound_goes_on() -> None:
    outbox = Outbox()
    outbox.put(b"picture", 0.0, video=True)
    outbox.put(b"sound", 0.01, video=False)
    outbox.put(b"picture", 0.02, video=True)
    assert outbox.take(0.21) == b"sound"
    assert outbox.dropped == 2


def test_sound_that_waited_a_second_is_dropped_too() -> None:
    outbox = Outbox()
    outbox.put(b"old", 0.0, video=False)
    outbox.put(b"new", 0.9, video=False)
    assert outbox.take(1.01) == b"new"
    assert outbox.dropped == 1


def test_a_connection_that_takes_nothing_holds_a_bounded_amount() -> None:
    outbox = Outbox()
    for step in range(3000):
        outbox.put(bytes(1200), step / 1000, video=step % 2 == 0)
        assert outbox.waiting_bytes <= MAX_WAITING_BYTES
    assert outbox.dropped > 2000


def test_a_packet_larger_than_a_chunk_still_goes() -> None:
    outbox = Outbox()
    outbox.put(bytes(CHUNK_BYTES + 1), 0.0, video=False)
    assert len(outbox.take(0.0)) == CHUNK_BYTES + 1


def test_sound_finds_room_among_more_video_than_there_is_room_for() -> None:
    outbox = Outbox()
    for _ in range(MAX_WAITING_BYTES // 1000 + 10):
        outbox.put(bytes(1000), 0.0, video=True)
    outbox.put(b"s" * 200, 0.01, video=False)
    assert outbox.take(0.01) == b"s" * 200

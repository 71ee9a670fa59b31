"""Transport-wide feedback: arrivals written and read back, and bodies written out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp import rtcp, twcc
from sfu.core.rtp.packets import RtcpError, TransportFeedback
from tests.hostile import examples, grows_linearly, mutated

Arrivals = list[tuple[int, int]]


def walk(steps: list[tuple[int, int]], seq: int, now: int) -> Arrivals:
    """(sequence step, µs step) pairs as arrivals."""
    arrivals = []
    for seq_step, time_step in steps:
        seq, now = seq + seq_step, max(0, now + time_step)
        arrivals.append((seq, now))
    return arrivals


streams = st.builds(
    walk,
    st.lists(
        st.tuples(
            st.integers(1, 40) | st.sampled_from([0x1FFF, 0x2000, 20_000]),
            st.integers(-2_000, 80_000) | st.integers(-9_000_000, 20_000_000),
        ),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 200_000),
    st.integers(0, 10**12),
)


def came(feedback: TransportFeedback) -> list[bool]:
    return [delta is not None for delta in feedback.deltas]


def read_back(arrivals: Arrivals) -> list[TransportFeedback]:
    packets = twcc.build_feedback(arrivals, 1, 2, 0)
    assert all(len(packet) <= twcc.MAX_BYTES for packet in packets)
    parsed = [rtcp.parse_compound(packet) for packet in packets]
    assert all(len(found) == 1 for found in parsed)
    return [f for found in parsed for f in found if isinstance(f, TransportFeedback)]


@examples(60)  # a gap of 8191 lost packets is costly to list
@given(streams)
def test_what_is_reported_is_read_back_with_every_arrival_in_its_tick(arrivals: Arrivals) -> None:
    feedbacks = read_back(arrivals)
    times = [item for f in feedbacks for item in twcc.arrival_times_us(f) if item[1] is not None]
    assert [seq for seq, _ in times] == [seq & 0xFFFF for seq, _ in arrivals]
    wrap = twcc.REFERENCE_US << 24
    for (_, found), (_, true) in zip(times, arrivals, strict=True):
        assert found is not None
        assert abs((found - true + wrap // 2) % wrap - wrap // 2) <= twcc.TICK_US // 2


@examples(60)
@given(streams)
def test_written_feedback_is_read_back_as_the_same_value(arrivals: Arrivals) -> None:
    for feedback in twcc.report(arrivals, 7, 8, 250):
        assert twcc.read(7, 8, twcc.write(feedback)) == feedback
        assert len(twcc.write(feedback)) % 4 == 0


@given(st.sets(st.integers(0, 600), min_size=1))
def test_packets_between_reported_ones_are_reported_lost(numbers: set[int]) -> None:
    (feedback,) = read_back([(seq, 1_000_000 + seq * 1000) for seq in numbers])
    expected = {seq: seq in numbers for seq in range(min(numbers), max(numbers) + 1)}
    assert dict(enumerate(came(feedback), feedback.base_seq)) == expected


def test_a_steady_stream_costs_one_chunk_and_a_byte_a_packet() -> None:
    packets = twcc.build_feedback([(seq, 64_000 + seq * 5000) for seq in range(50)], 1, 2, 9)
    assert packets[0].hex() == (
        "8fcd0011" "00000001" "00000002" "0000 0032 000001 09".replace(" ", "")
        + "2032"  # run of 50 small deltas
        + "00" + "14" * 49
    )  # fmt: skip


def test_arrivals_in_any_order_are_sorted_and_the_earlier_of_two_counts() -> None:
    assert twcc.report([(3, 9000), (1, 5000), (3, 7000)], 1, 2, 0) == [
        TransportFeedback(1, 2, 1, 0, 0, (20, None, 8))
    ]


def test_a_packet_that_overtook_another_has_a_negative_delta() -> None:
    (feedback,) = read_back([(10, 128_000), (11, 129_000), (12, 128_500)])
    assert (feedback.base_seq, feedback.deltas) == (10, (0, 4, -2))


def test_numbers_go_on_over_the_wrap() -> None:
    (feedback,) = read_back([(65535, 0), (65536, 250)])
    assert twcc.arrival_times_us(feedback) == [(65535, 0), (0, 250)]


def test_a_pause_longer_than_a_delta_starts_another_feedback() -> None:
    first, second = read_back([(1, 0), (2, 1000), (3, 9_000_000)])
    assert (len(first.deltas), second.base_seq, second.feedback_count) == (2, 3, 1)


def test_the_feedback_count_wraps_at_eight_bits() -> None:
    counts = [f.feedback_count for f in twcc.report([(1, 0), (2, 9_000_000)], 1, 2, 255)]
    assert counts == [255, 0]


def test_a_long_list_is_cut_into_packets_that_fit_a_path() -> None:
    arrivals = [(seq, seq * 70_000) for seq in range(0, 4000, 2)]
    feedbacks = read_back(arrivals)
    assert len(feedbacks) > 3
    assert sum(sum(came(feedback)) for feedback in feedbacks) == 2000


def test_no_arrivals_make_no_feedback() -> None:
    assert twcc.build_feedback([], 1, 2, 0) == []


def test_each_kind_of_chunk_is_read() -> None:
    body = bytes.fromhex(
        "0005 0017 ffffff 07"  # base 5, 23 packets, reference time -1
        "0002"  # two lost
        "a000"  # one-bit vector: came, then 13 lost
        "d200"  # two-bit vector: small, lost, large, four lost
        "04 08 fffe".replace(" ", "")
    )
    feedback = twcc.read(1, 2, body)
    deltas = {n: delta for n, delta in enumerate(feedback.deltas, 5) if delta is not None}
    assert (feedback.reference_time, len(feedback.deltas)) == (-1, 23)
    assert deltas == {7: 4, 21: 8, 23: -2}
    assert twcc.arrival_times_us(feedback)[2] == (7, -63_000)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "0000000100000",
        "0000 0001 000000 00",  # no chunk
        "0000 0001 000000 00 2001",  # no delta
        "0000 0001 000000 00 4001 01",  # half a delta
        "0000 0001 000000 00 6001 0101",  # reserved symbol
        "0000 2001 000000 00 1fff 1fff",  # more packets than we read
    ],
)
def test_a_broken_body_is_refused(body: str) -> None:
    with pytest.raises(RtcpError):
        twcc.read(1, 2, bytes.fromhex(body + "0" * (len(body.replace(" ", "")) % 2)))


def test_chunks_that_say_nothing_end_with_the_body() -> None:
    with pytest.raises(RtcpError):
        twcc.read(1, 2, bytes.fromhex("0000000100000000") + bytes(1000))


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_rtcp_errors(body: bytes) -> None:
    try:
        feedback = twcc.read(1, 2, body)
    except RtcpError:
        return
    assert len(feedback.deltas) <= twcc.MAX_STATUSES


GOLDEN = [
    twcc.write(feedback)
    for arrivals in (
        [(seq, 64_000 + seq * 5000) for seq in range(50)],
        [(65_530, 10_000), (65_537, 90_000), (65_538, 89_000), (65_600, 90_250)],
        [(seq, seq * 70_000) for seq in range(0, 90, 2)],
        [(1, 0), (8_000, 1_000)],
    )
    for feedback in twcc.report(arrivals, 1, 2, 255)
]


def check_reading(body: bytes) -> None:
    """RtcpError, or a value within the bounds that reads the same when it is written again."""
    try:
        feedback = twcc.read(1, 2, body)
    except RtcpError:
        return
    assert len(feedback.deltas) <= twcc.MAX_STATUSES
    assert twcc.read(1, 2, twcc.write(feedback)) == feedback


@examples(200)
@given(mutated(GOLDEN))
def test_no_changed_body_raises_anything_but_rtcp_errors(body: bytes) -> None:
    check_reading(body)


@pytest.mark.parametrize("body", GOLDEN[:2])
def test_every_cut_and_every_changed_byte_is_survived(body: bytes) -> None:
    for end in range(len(body)):
        check_reading(body[:end])
    for at in range(len(body)):
        for value in (0, 1, 0x7F, 0x80, 0xFF):
            check_reading(body[:at] + bytes((value,)) + body[at + 1 :])


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["0000", "1fff", "3fff", "2001", "8000", "bfff", "d555", "eaaa"])
def test_a_body_as_long_as_a_datagram_costs_linear_time(unit: str) -> None:
    def read(body: bytes) -> object:
        try:
            return twcc.read(1, 2, body)
        except RtcpError:
            return None

    assert grows_linearly(read, bytes.fromhex(unit), bytes.fromhex("0000 2000 000000 00"))


def test_how_many_packets_a_body_speaks_of_is_known_before_it_is_read() -> None:
    body = twcc.write(twcc.report([(1, 0), (4, 1000)], 1, 2, 0)[0])
    assert twcc.status_count(body) == twcc.status_count(bytes(8) + body, 8) == 4
    with pytest.raises(RtcpError):
        twcc.status_count(body[:7])

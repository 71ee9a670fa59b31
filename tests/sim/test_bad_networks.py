"""Over whatever network: sound is never held back by us, and a stream stays one stream."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu.core.forwarder import routing, switching
from sfu.core.forwarder.model import Stream
from sfu.core.forwarder.state import State
from sfu.core.rtp import header, vp8
from sfu.core.rtp.serial import TIMESTAMP_BITS, Unwrapper
from tests.sim.network import Bursts, Conditions
from tests.sim.viewer import AUDIO, AUDIO_S, VIDEO, Call

MAX_AUDIO_WAIT_S = 0.01  # two steps of the world's clock, between Bob's packet and the link

LINKS = st.builds(
    Conditions,
    rate_bps=st.sampled_from([0.0, 60_000.0, 150_000.0, 400_000.0, 1_000_000.0, 3_000_000.0]),
    queue_s=st.sampled_from([0.05, 0.2, 0.5]),
    delay_s=st.sampled_from([0.01, 0.05, 0.15]),
    jitter_s=st.sampled_from([0.0, 0.01, 0.04]),
    loss=st.sampled_from([0.0, 0.0, 0.02, 0.2]),
    bursts=st.sampled_from([None, None, Bursts(0.01, 0.2)]),
    reordered=st.sampled_from([0.0, 0.0, 0.05]),
    duplicated=st.sampled_from([0.0, 0.02]),
)
SCHEDULES = st.lists(
    st.tuples(st.sampled_from([0.5, 1.0, 2.5]), LINKS, st.sampled_from([0, 180, 360, 720])),
    min_size=1,
    max_size=4,
)
Schedule = list[tuple[float, Conditions, int]]


def play(schedule: Schedule, seed: int) -> Call:
    """Each turn: so long, such a link in both directions, a tile of such a height."""
    changes, at = [(0.0, Conditions())], 1.0
    for seconds, link, _ in schedule:
        changes.append((at, link))
        at += seconds
    up = [(when, Conditions(delay_s=c.delay_s, loss=c.loss)) for when, c in changes]
    call = Call(seed, changes, up)
    call.run(1.0)
    for seconds, _, height in schedule:
        call.show(height)
        call.run(seconds)
    return call


def sound_is_never_held_back(call: Call) -> None:
    """Each of Bob's audio packets entered the link, in order and at once; some do so once more."""
    numbers = Unwrapper()
    sent: dict[int, float] = {}
    for at, data in call.entered:
        if header.ssrc(data) == AUDIO and not 192 <= data[1] <= 223:
            sent.setdefault(numbers.unwrap(header.sequence_number(data)), at)
    first = next(iter(sent))
    assert list(sent) == list(range(first, first + call.audio_sent))
    for at, later in pairwise(sent.values()):
        assert later - at <= AUDIO_S + MAX_AUDIO_WAIT_S


def video_is_one_stream(call: Call) -> None:
    """No number is left out or used twice, no picture id left out, and no time goes back."""
    numbers, times, pictures = Unwrapper(), Unwrapper(TIMESTAMP_BITS), Unwrapper(15)
    found = []
    for _, data in call.entered:
        if 192 <= data[1] <= 223 or header.ssrc(data) != VIDEO:
            continue
        picture = vp8.parse(data, header.payload_offset(data)).picture_id
        assert picture is not None
        found.append(
            (
                numbers.unwrap(header.sequence_number(data)),
                times.unwrap(header.timestamp(data)),
                pictures.unwrap(picture),
            )
        )
    assert found != []
    for (number, time, picture), (following, later, next_picture) in pairwise(found):
        assert following == number + 1
        assert later >= time
        assert next_picture - picture in (0, 1)
        assert (next_picture == picture) == (later == time)


def check(schedule: Schedule, seed: int) -> None:
    call = play(schedule, seed)
    sound_is_never_held_back(call)
    video_is_one_stream(call)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCHEDULES, st.integers(0, 1 << 16))
def test_sound_flows_and_video_is_one_stream_whatever_the_network(
    schedule: Schedule, seed: int
) -> None:
    check(schedule, seed)


@pytest.mark.prove
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCHEDULES, st.integers(0, 1 << 16))
def test_over_many_networks_sound_flows_and_video_is_one_stream(
    schedule: Schedule, seed: int
) -> None:
    check(schedule, seed)


SLOW = Conditions(rate_bps=60_000.0)
HARD: Schedule = [(1.0, Conditions(), 720), (4.0, SLOW, 720), (1.0, Conditions(), 180)]


def test_on_a_hard_network_sound_flows_and_video_is_one_stream() -> None:
    check(HARD, 1)


def test_a_switch_while_packets_wait_for_a_slow_link_uses_no_number_twice() -> None:
    lossy = Conditions(delay_s=0.15, jitter_s=0.04, loss=0.02, bursts=Bursts(0.01, 0.2))
    slow = Conditions(rate_bps=400_000.0, queue_s=0.2, delay_s=0.05)
    for seed in range(90, 96):
        check([(2.5, lossy, 360), (1.0, slow, 360)], seed)


def test_a_switch_without_continuous_picture_ids_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(switching, "_vp8_offsets", lambda *_: (0, 0))
    call = play(HARD, 1)
    with pytest.raises(AssertionError):
        video_is_one_stream(call)


def test_sound_that_stops_with_a_paused_picture_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop: Callable[[State, Stream, float], None] = routing.stop

    def stop_both(state: State, stream: Stream, now: float) -> None:
        stop(state, stream, now)
        subscriber = state.subscriber(stream.peer)
        for slot in subscriber.slots if subscriber else ():
            if stream is slot.video and slot.audio is not None:
                stop(state, slot.audio, now)

    monkeypatch.setattr(routing, "stop", stop_both)
    call = play(HARD, 1)
    with pytest.raises(AssertionError):
        sound_is_never_held_back(call)

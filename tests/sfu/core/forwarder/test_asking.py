"""When publishers are asked for packets and keyframes, and what subscribers get on asking."""

from __future__ import annotations

import itertools

from sfu.core.estimation.sent_log import SendLog
from sfu.core.forwarder import keyframes, nacks, resending
from sfu.core.forwarder.actions import Resend, ResendKept
from sfu.core.forwarder.model import Segment, Source, Stream, Track
from sfu.core.forwarder.pacing import Pacer
from sfu.core.forwarder.rule import ExtensionPlan, Rule
from tests.sfu.core.forwarder.packets import IDS, OPUS, VP8, add_source, publisher, section

RTT_S = 0.05


def camera() -> Track:
    return publisher(section("1", "camera")).tracks["1"]


def with_gap() -> Source:
    source = add_source(camera())
    for seq in (100, 102):
        source.ring.put(seq, b"x", 0.0)
    assert not nacks.notice(source, 101, 0.0)
    return source


def test_a_missing_packet_is_requested_after_a_while_then_twice_a_round_trip() -> None:
    """The time for it is short: where a fifth is lost each way, a try fails by 36 %."""
    source, asked = with_gap(), []
    for step in range(1200):
        wanted = nacks.due(source, RTT_S, step / 1000).wanted
        if wanted:
            assert wanted == [101]
            asked.append(step / 1000)
    assert asked[0] >= nacks.FIRST_WAIT_S
    waits = [later - before for before, later in itertools.pairwise(asked)]
    assert all(0.45 * RTT_S < wait < 0.6 * RTT_S for wait in waits)
    assert 25 < len(asked) <= nacks.MAX_TRIES
    assert source.missing == {}


def test_a_packet_that_never_comes_is_given_up_once() -> None:
    source = with_gap()
    given_up = [seq for step in range(300) for seq in nacks.due(source, RTT_S, step / 100).given_up]
    assert given_up == [101]


def test_a_packet_that_came_is_not_asked_for_and_is_no_loss_if_it_was_only_late() -> None:
    source = with_gap()
    source.ring.put(101, b"x", 0.005)
    assert nacks.due(source, RTT_S, 0.1) == nacks.Due([], [], [])
    assert source.reception.received == 1
    assert source.missing == {}


def test_too_many_holes_at_once_ask_for_a_keyframe() -> None:
    source = add_source(camera())
    answers = [nacks.notice(source, seq, 0.0) for seq in range(nacks.MAX_GAP + 1)]
    assert answers == [False] * nacks.MAX_GAP + [True]
    assert len(source.missing) <= 1


def asked_at(track: Track, times: int) -> list[float]:
    return [step / 100 for step in range(times) if keyframes.ask_now(track, step / 100)]


def test_nobody_is_asked_without_a_wish() -> None:
    assert asked_at(camera(), 100) == []


def test_a_wish_is_told_at_once_and_repeated_until_a_keyframe_comes() -> None:
    track = camera()
    track.publisher.rtt_s = RTT_S
    keyframes.want(track, 0.0)
    keyframes.want(track, 0.0)
    assert asked_at(track, 100) == [0.0, 0.3, 0.6, 0.9]
    keyframes.arrived(track)
    assert asked_at(track, 200) == []


def test_on_a_long_path_it_is_repeated_after_two_round_trips() -> None:
    track = camera()
    track.publisher.rtt_s = 0.4
    keyframes.want(track, 0.0)
    assert asked_at(track, 100) == [0.0, 0.8]


def test_new_wishes_are_told_every_half_second_at_most() -> None:
    track, asked = camera(), []
    for step in range(200):
        keyframes.want(track, step / 100)
        if keyframes.ask_now(track, step / 100):
            asked.append(step / 100)
            keyframes.arrived(track)
    assert asked == [0.0, 0.5, 1.0, 1.5]


def test_sound_has_no_keyframes() -> None:
    track = publisher(section("0", "microphone")).tracks["0"]
    keyframes.want(track, 0.0)
    assert not keyframes.ask_now(track, 1.0)


def flowing(*, first: int = 1000, rtx: bool = True) -> Stream:
    """A stream that sends packets 1000..1009 as 65531, 65532 … 4."""
    source = add_source(camera())
    for seq in range(1000, 1010):
        source.ring.put(seq, b"x", 0.0)
    codec = VP8 if rtx else OPUS
    repairs = 12 if rtx else 0
    stream = Stream(1, "alice", "video", "4", 11, repairs, (codec,), IDS, True, SendLog(), Pacer())
    rule = Rule(
        stream=1,
        peer="alice",
        ssrc=11,
        payload_type=96,
        first=first,
        seq_offset=65531 - 1000,
        timestamp_offset=0,
        extensions=ExtensionPlan(),
        keep_ciphertext=not rtx,
    )
    stream.source = source
    stream.segments.append(Segment(source, rule))
    return stream


def test_an_outgoing_number_finds_its_packet_over_the_wrap() -> None:
    for incoming, outgoing in ((1000, 65531), (1004, 65535), (1005, 0), (1009, 4)):
        action = resending.answer(flowing(), outgoing, RTT_S, 1.0)
        assert isinstance(action, Resend)
        assert (action.seq, action.rtx_ssrc, action.rtx_payload_type) == (incoming, 12, 97)


def test_what_was_never_sent_is_not_sent_on_asking() -> None:
    for outgoing in (5, 65530, 30_000):
        assert resending.answer(flowing(), outgoing, RTT_S, 1.0) is None
    assert resending.answer(flowing(first=1005), 65531, RTT_S, 1.0) is None, "before the switch"


def test_a_number_is_answered_as_often_as_browsers_ask_and_once_in_a_round_trip() -> None:
    stream, answers = flowing(), []
    for step in range(100):
        if resending.answer(stream, 0, RTT_S, step / 100) is not None:
            answers.append(step)
    assert answers == list(range(0, 40, 4)), "a round trip of theirs may be a little shorter"


def test_every_retransmission_has_a_number_of_its_own() -> None:
    stream = flowing()
    found = [resending.answer(stream, outgoing, RTT_S, 1.0) for outgoing in (0, 1, 2)]
    numbers = [action.rtx_seq for action in found if isinstance(action, Resend)]
    assert numbers == [1, 2, 3]


def test_sound_without_rtx_is_answered_with_the_kept_ciphertext() -> None:
    action = resending.answer(flowing(rtx=False), 0, RTT_S, 1.0)
    assert action == ResendKept("alice", 11, 0)


def test_what_is_remembered_of_answers_is_bounded() -> None:
    stream = flowing()
    for number in range(3000):
        stream.answered[number] = (1, 0.0)
        if len(stream.answered) > resending.REMEMBERED:
            del stream.answered[next(iter(stream.answered))]
    resending.answer(stream, 0, RTT_S, 1.0)
    assert len(stream.answered) <= resending.REMEMBERED

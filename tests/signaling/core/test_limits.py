"""Token buckets, floods and their end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.core import messages as m
from signaling.core.closing import Closing
from signaling.core.limits import TokenBucket
from signaling.core.settings import Rate
from tests.signaling.core.scene import Scene

KEY = "0123456789abcdef"


@given(st.lists(st.floats(min_value=0, max_value=2), max_size=200))
def test_a_bucket_never_gives_more_than_its_rate_and_burst(pauses: list[float]) -> None:
    bucket = TokenBucket(Rate(per_s=2, burst=5), 0.0)
    now, given_out = 0.0, 0
    for pause in pauses:
        now += pause
        given_out += bucket.take(now)
    assert given_out <= 5 + 2 * now + 1e-6


def test_chat_has_a_limit_of_its_own() -> None:
    scene = Scene()
    scene.doctor()
    for number in range(11):
        scene.say("bob", m.Chat(number, KEY, "hello"))
    assert scene.refusals("bob") == ["rate_limit"]
    assert scene.heard("bob", m.Error)[0].request == 10


def test_a_flood_is_refused_then_hung_up_on() -> None:
    scene = Scene()
    scene.visit()
    for _ in range(40 + 20):
        scene.say("alice", m.Ping())
    assert scene.closing("c-alice") is None
    scene.say("alice", m.Ping())
    assert scene.closing("c-alice") is Closing.RATE_LIMIT
    assert len(scene.heard("alice", m.Pong)) == 40


def test_malformed_messages_are_told_and_at_last_hung_up_on() -> None:
    scene = Scene()
    scene.doctor()
    error = m.Error("bad_message", "Expected `int`", request=3)
    for _ in range(20):
        scene.room.receive_malformed("c-bob", error, scene.now)
    scene.drain()
    assert scene.heard("bob", m.Error) == [error] * 20
    assert scene.closing("c-bob") is None
    scene.room.receive_malformed("c-bob", error, scene.now)
    scene.drain()
    assert scene.closing("c-bob") is Closing.RATE_LIMIT


def test_a_second_hello_breaks_the_protocol() -> None:
    scene = Scene()
    scene.doctor()
    scene.say("bob", m.Hello(1, seat="x" * 32))
    assert scene.closing("c-bob") is Closing.BAD_MESSAGE

"""Who is turned away at the door, with which word, and that the others' call goes on."""

from __future__ import annotations

import json

import aiohttp
import msgspec
import pytest

from signaling.core import messages as m
from signaling.core.closing import Closing
from signaling.core.settings import Rate
from signaling.shell.connection import Connection
from tests.signaling.shell.clinic import PORTAL, Caller, Clinic


async def refused(clinic: Clinic, token: str) -> tuple[str, int | None]:
    caller = await clinic.hello(token)
    error = await caller.hear(m.Error)
    return error.code, await caller.closed()


async def test_a_token_works_once(clinic: Clinic) -> None:
    token = clinic.token("bob")
    await clinic.welcomed(await clinic.hello(token))
    assert await refused(clinic, token) == ("token_used", Closing.TOKEN_USED.code)
    await clinic.restart()
    assert await refused(clinic, token) == ("token_used", Closing.TOKEN_USED.code)


async def test_a_device_token_works_until_it_expires(clinic: Clinic) -> None:
    token = clinic.token("cart", device=True, waits=False)
    for _ in range(2):
        await clinic.welcomed(await clinic.hello(token))


async def test_an_expired_token_is_refused(clinic: Clinic) -> None:
    token = clinic.token("bob", ttl_s=-1)
    assert await refused(clinic, token) == ("token_expired", Closing.TOKEN_EXPIRED.code)


async def test_a_foreign_token_is_refused(clinic: Clinic) -> None:
    assert await refused(clinic, "token-of-another-house") == (
        "token_invalid",
        Closing.TOKEN_INVALID.code,
    )


async def test_a_revoked_token_is_refused(clinic: Clinic) -> None:
    token = clinic.token("bob")
    clinic.desk.revoke(token)
    assert await refused(clinic, token) == ("token_revoked", Closing.TOKEN_INVALID.code)


async def test_a_token_for_an_unknown_room_is_refused(clinic: Clinic) -> None:
    token = clinic.token("bob", room="nowhere")
    assert await refused(clinic, token) == ("unknown_room", Closing.UNKNOWN_ROOM.code)


async def test_a_seat_key_that_nobody_has_opens_nothing(clinic: Clinic) -> None:
    assert await (await clinic.hello(seat="x" * 32)).closed() == Closing.SEAT_GONE.code


@pytest.mark.parametrize(
    ("frame", "closing"),
    [
        ("no json", Closing.BAD_MESSAGE),
        (b"\x00\x01", Closing.BAD_MESSAGE),
        ("x" * (m.MAX_FRAME_BYTES + 1), Closing.TOO_LARGE),
        ("x" * 1_000_000, Closing.TOO_LARGE),
    ],
    ids=["no json", "binary", "large", "a megabyte"],
)
async def test_garbage_ends_one_connection_and_no_other(
    clinic: Clinic, frame: str | bytes, closing: Closing
) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    await bob.nothing_but_pong()
    if isinstance(frame, bytes):
        await alice.socket.send_bytes(frame)
    else:
        await alice.socket.send_str(frame)
    assert await alice.closed() == closing.code
    assert isinstance(await bob.ask(m.Lock, locked=True), m.Done)
    assert sum(clinic.calls.counters.get(name, 0) for name in GARBAGE) == 1
    back = await clinic.hello(seat=alice.seat)
    assert (await back.hear(m.Welcome)).resumed


GARBAGE = ("frames_garbage", "frames_too_large")


async def test_a_frame_beyond_all_measure_is_not_even_read(clinic: Clinic) -> None:
    caller = await clinic.connect()
    await caller.socket.send_str("x" * 3_000_000)
    assert await caller.closed() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    await clinic.join("bob")


async def test_deep_json_is_told_to_be_wrong(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    await bob.socket.send_str("[" * 100_000)
    assert (await bob.hear(m.Error)).code == "bad_message"


async def test_a_wrong_field_is_told_and_the_call_goes_on(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    await bob.socket.send_str('{"type":"lock","request":9,"locked":"yes"}')
    error = await bob.hear(m.Error)
    assert (error.code, error.request) == ("bad_message", 9)
    assert isinstance(await bob.ask(m.Lock, locked=True), m.Done)


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ({"type": "ping"}, "bad_message"),
        ({"type": "hello", "version": 2, "token": "x" * 16}, "version"),
        ({"type": "hello", "version": 1}, "bad_message"),
        ({"type": "hello", "version": 1, "token": "x" * 16, "seat": "x" * 16}, "bad_message"),
        ({"type": "hello", "version": 1, "token": "short"}, "bad_message"),
    ],
)
async def test_only_a_proper_hello_is_taken(clinic: Clinic, hello: object, code: str) -> None:
    caller = await clinic.connect()
    await caller.socket.send_str(json.dumps(hello))
    assert (await caller.hear(m.Error)).code == code
    assert await caller.closed() == Closing.BAD_MESSAGE.code


async def test_who_says_nothing_is_closed(clinic: Clinic) -> None:
    clinic.settings = msgspec.structs.replace(clinic.settings, hello_timeout_s=0.01)
    await clinic.restart()
    assert await (await clinic.connect()).closed() == Closing.HEARTBEAT.code


async def test_an_address_may_not_say_hello_all_the_time(clinic: Clinic) -> None:
    slow = Rate(per_s=0.001, burst=2)
    clinic.settings = msgspec.structs.replace(clinic.settings, hellos=slow)
    await clinic.restart()
    for _ in range(2):
        await clinic.hello(seat="x" * 32)
    assert await (await clinic.hello(seat="x" * 32)).closed() == Closing.RATE_LIMIT.code


@pytest.mark.parametrize("origin", ("https://elsewhere.example", "http://[", "null", ""))
async def test_a_page_of_another_host_is_refused(clinic: Clinic, origin: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as problem:
        await clinic.connect(Origin=origin)
    assert problem.value.status == 403
    assert clinic.calls.counters["origins_refused"] == 1


async def test_a_page_that_names_itself_as_our_host_is_refused(clinic: Clinic) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as problem:
        await clinic.connect(Origin="http://evil.example", Host="evil.example")
    assert problem.value.status == 403


async def test_our_pages_at_the_socket_and_at_the_public_address_are_let_in(
    clinic: Clinic,
) -> None:
    own = f"http://{clinic.server.host}:{clinic.server.port}"
    for origin in (own, PORTAL):
        caller = await clinic.connect(Origin=origin, Host="proxy.internal")
        await caller.say(m.Hello(m.VERSION, token=clinic.token("bob")))
        await caller.hear(m.Welcome)


async def test_somebody_who_does_not_read_is_dropped_and_delays_nobody(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    await stuff(clinic, alice)
    assert isinstance(await bob.ask(m.Lock, locked=True), m.Done)
    await clinic.until(lambda: clinic.calls.counters["connections_slow"] == 1)


async def stuff(clinic: Clinic, person: Caller) -> None:
    """Send somebody more than their queue holds, faster than any network takes it."""
    [connection] = [
        one
        for actor in clinic.calls._rooms._actors.values()
        for one in actor._connections.values()
        if actor._room._state.seats[person.participant].connection == one.id
    ]
    assert isinstance(connection, Connection)
    for _ in range(80):
        connection.send(b'"' + b"x" * 65_000 + b'"')

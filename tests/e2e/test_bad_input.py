"""Broken and hostile input: a clear refusal or silence, and other people's calls go on."""

from __future__ import annotations

import random
import socket

import pytest

from signaling.core.closing import Closing
from signaling.core.messages import VERSION
from telemed_media.data_folder import prepare
from tests.e2e import mint
from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.meeting import meet, more_arrives
from tests.e2e.participant import Participant
from tests.e2e.server import Server
from tests.e2e.wire import close_code, connect
from tests.netns.namespace import FIRST_ADDRESS


async def test_a_frame_that_is_no_message_ends_the_connection(server: Server) -> None:
    for first in ("", "not json", "[]", '{"type": "nonsense"}', '{"type": "ping"}', '{"a": 1e999}'):
        assert await close_code(server, first) == Closing.BAD_MESSAGE.code, first


async def test_a_megabyte_is_too_large(server: Server) -> None:
    assert await close_code(server, "x" * 1_000_000) == Closing.TOO_LARGE.code


async def test_a_token_works_once(server: Server) -> None:
    token = await server.token(server.ready.room, "Carol", "--can", "subscribe", "--ttl", "60")
    async with connect(server) as first:
        await first.hello(token)
        await first.hears("welcome")
        assert await close_code(server, _hello(token)) == Closing.TOKEN_USED.code


async def test_an_expired_token_is_refused(server: Server) -> None:
    token = await mint.token(server.data, server.ready.room, ttl_s=-1)
    assert await close_code(server, _hello(token)) == Closing.TOKEN_EXPIRED.code


async def test_a_token_for_a_room_that_is_not_there_is_refused(server: Server) -> None:
    seat = mint.elsewhere(await mint.new_seat(server.data, server.ready.room))
    [token] = await mint.tokens_for(server.data, seat)
    assert await close_code(server, _hello(token)) == Closing.UNKNOWN_ROOM.code


async def test_the_token_of_another_installation_is_refused(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = prepare(tmp_path_factory.mktemp("other"))
    token = await mint.token(other.root, server.ready.room)
    assert await close_code(server, _hello(token)) == Closing.TOKEN_INVALID.code


async def test_an_offer_that_is_no_sdp_is_refused_in_words(server: Server) -> None:
    async with connect(server) as wire:
        await wire.hello(await mint.token(server.data, server.ready.room))
        await wire.hears("welcome")
        for number, sdp in enumerate(("garbage", "v=0\r\nm=audio x y z\r\n", "v=0\r\n" * 10_000)):
            offer = {"type": "offer", "id": number + 1, "sdp": sdp, "publish": {}, "slots": []}
            await wire.say(offer)
            error = await wire.hears("error")
            assert error["offer"] == number + 1
            assert error["code"]
            assert error["message"]


async def test_a_full_room_says_so(server: Server) -> None:
    codes: list[int | None] = []
    async with connect(server) as first:
        await first.hello(await mint.token(server.data, server.ready.room))
        await first.hears("welcome")
        codes = await _fill(server, 16)
    assert codes[-1] == Closing.ROOM_FULL.code


async def _fill(server: Server, more: int) -> list[int | None]:
    """Enter again and again while everybody before is still there."""
    if more == 0:
        return []
    async with connect(server) as wire:
        await wire.hello(await mint.token(server.data, server.ready.room))
        try:
            await wire.hears("welcome")
        except AssertionError:
            return [await wire.closed()]
        return await _fill(server, more - 1)


async def test_a_call_goes_on_while_others_throw_garbage_at_every_door(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await more_arrives(alice)
    _throw_datagrams(server.ready.port)
    for first in ("garbage", "x" * 1_000_000):
        await close_code(server, first)
    for person in (bob, alice):
        await more_arrives(person)
        assert await person.state() == "call"


def _throw_datagrams(port: int) -> None:
    """Noise, and the beginnings of STUN, DTLS, RTP and RTCP packets (RFC 7983)."""
    chance = random.Random(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thrower:
        for first in (0x00, 0x01, 0x16, 0x17, 0x80, 0x81, 0xFF):
            for size in (0, 1, 12, 20, 100, 1400, 9000):
                packet = bytes([first]) + chance.randbytes(size)
                thrower.sendto(packet, (FIRST_ADDRESS, port))


def _hello(token: str) -> str:
    return f'{{"type": "hello", "version": {VERSION}, "token": "{token}"}}'

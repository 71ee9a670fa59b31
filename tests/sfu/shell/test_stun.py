"""Binding requests: aioice writes them and reads the answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest
from aioice import Candidate
from aioice import Connection as IceClient
from aioice import stun as oracle
from hypothesis import given
from hypothesis import strategies as st

from sfu.shell.stun import MAX_REQUEST_BYTES, Request, StunError, peek_user
from tests.netns.namespace import FIRST_ADDRESS
from tests.sfu.shell.callers import until

PASSWORD = "correct horse battery staple"  # not a secret


def check(password: str = PASSWORD, user: str = "ours:theirs", **attributes: Any) -> bytes:
    message = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST)
    message.attributes["USERNAME"] = user
    for name, value in attributes.items():
        message.attributes[name.replace("_", "-")] = value
    message.add_message_integrity(password.encode())
    return bytes(message)


def with_attribute(data: bytes, kind: int, value: bytes) -> bytes:
    """An attribute put first, the integrity made anew."""
    padded = value + bytes(-len(value) % 4)
    added = kind.to_bytes(2) + len(value).to_bytes(2) + padded
    body = added + data[20 : 20 + int.from_bytes(data[2:4]) - 32]  # less integrity, fingerprint
    signed = data[:2] + (len(body)).to_bytes(2) + data[4:20] + body
    integrity = oracle.message_integrity(signed, PASSWORD.encode())
    with_key = signed + b"\x00\x08\x00\x14" + integrity
    return with_key[:2] + (len(with_key) - 20).to_bytes(2) + with_key[4:]


def test_our_half_of_the_user_name_is_found() -> None:
    assert peek_user(check()) == "ours"
    assert peek_user(check(PRIORITY=1, USE_CANDIDATE=None, ICE_CONTROLLING=7)) == "ours"
    assert peek_user(with_attribute(check(), 0x7001, b"odd")) == "ours"
    assert peek_user(check(user="alone")) == "alone"


def test_what_is_no_binding_request_has_no_user() -> None:
    answer = oracle.Message(oracle.Method.BINDING, oracle.Class.RESPONSE)
    answer.attributes["USERNAME"] = "ours:theirs"
    allocate = oracle.Message(oracle.Method.ALLOCATE, oracle.Class.REQUEST)
    allocate.attributes["USERNAME"] = "ours:theirs"
    for data in (b"", b"\x00\x01", bytes(20), bytes(answer), bytes(allocate), check()[:21]):
        assert peek_user(data) is None


def test_a_huge_request_is_not_looked_at() -> None:
    data = check(SOFTWARE="x" * 600)
    assert len(data) > MAX_REQUEST_BYTES
    assert peek_user(data) is None


@pytest.mark.parametrize("nominated", [True, False])
def test_a_nomination_is_seen(nominated: bool) -> None:
    extra: dict[str, Any] = {"USE_CANDIDATE": None} if nominated else {}
    assert Request(check(**extra), PASSWORD).nominated is nominated


def test_a_role_is_neither_needed_nor_minded() -> None:
    for request in (check(), check(ICE_CONTROLLED=5), check(ICE_CONTROLLING=5)):
        Request(request, PASSWORD)


def test_a_request_with_an_unknown_attribute_is_taken() -> None:
    for kind in (0x7001, 0xC057, 0xC001):  # Chromium sends 0xC057 (network cost)
        Request(with_attribute(check(), kind, b"12345"), PASSWORD)


def test_a_request_without_integrity_or_with_a_wrong_key_is_refused() -> None:
    bare = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST)
    bare.attributes["USERNAME"] = "ours:theirs"
    changed = bytearray(check())
    changed[25] ^= 1
    for data in (bytes(bare), check(password="guess"), bytes(changed)):
        with pytest.raises(StunError):
            Request(data, PASSWORD)


def test_a_nomination_behind_the_integrity_does_not_count() -> None:
    data = bytearray(with_attribute(check(), 0x7001, b""))
    data += b"\x00\x25\x00\x00"
    data[2:4] = (len(data) - 20).to_bytes(2)
    assert not Request(bytes(data), PASSWORD).nominated


@pytest.mark.parametrize("address", [("10.98.0.7", 54321), ("fd98::7", 1)])
def test_the_answer_tells_the_address_that_we_saw(address: tuple[str, int]) -> None:
    data = check()
    answer = oracle.parse_message(Request(data, PASSWORD).response(address, PASSWORD))
    assert answer.message_class == oracle.Class.RESPONSE
    assert answer.transaction_id == data[8:20]
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == address
    assert answer.check_message_integrity(PASSWORD.encode())
    assert "FINGERPRINT" in answer.attributes, "browsers drop answers without it"


@given(st.binary(max_size=600))
def test_no_datagram_raises_anything_else(data: bytes) -> None:
    peek_user(data)
    with pytest.raises(StunError):
        Request(data, PASSWORD)


@given(st.data())
def test_no_changed_request_raises_anything_else(data: st.DataObject) -> None:
    message = bytearray(check(PRIORITY=1, USE_CANDIDATE=None, XOR_MAPPED_ADDRESS=("1.2.3.4", 5)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(message) - 1))
        message[at] = data.draw(st.integers(0, 255))
    cut = bytes(message[: data.draw(st.integers(0, len(message)))])
    peek_user(cut)
    with contextlib.suppress(StunError):
        Request(cut, PASSWORD)


async def test_aioice_connects_to_a_socket_that_answers_so() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind((FIRST_ADDRESS, 0))
        ours.setblocking(False)
        asyncio.get_running_loop().add_reader(ours, _answer, ours)
        client = IceClient(ice_controlling=True)
        await client.gather_candidates()
        client.remote_is_lite = True
        client.remote_username, client.remote_password = "ours", PASSWORD
        await client.add_remote_candidate(
            Candidate("1", 1, "udp", 2130706431, FIRST_ADDRESS, ours.getsockname()[1], "host")
        )
        await client.add_remote_candidate(None)
        connecting = asyncio.create_task(client.connect())
        await until(connecting.done)
        connecting.result()
        await client.close()
        asyncio.get_running_loop().remove_reader(ours)


def _answer(ours: socket.socket) -> None:
    data, address = ours.recvfrom(2048)
    if peek_user(data) == "ours":
        ours.sendto(Request(data, PASSWORD).response(address, PASSWORD), address)


@pytest.mark.parametrize("address", [("10.98.0.7", 54321), ("fd98::7", 1), ("fe80::1%v0", 9)])
def test_an_answer_is_no_longer_than_a_browsers_request(address: tuple[str, int]) -> None:
    data = check(user="12345678:abcd", PRIORITY=1, ICE_CONTROLLING=7)
    assert len(Request(data, PASSWORD).response(address, PASSWORD)) <= len(data)


def test_an_integrity_of_another_size_is_none() -> None:
    short = bytearray(check()[:-28])  # less half the integrity and the fingerprint
    short += bytes(16)
    short[-18:-16] = (16).to_bytes(2)
    short[2:4] = (len(short) - 20).to_bytes(2)
    with pytest.raises(StunError):
        Request(bytes(short), PASSWORD)

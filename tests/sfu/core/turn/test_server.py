"""TURN of our own: who gets a relay, where it leads, how long it lasts. In virtual time."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.turn import credentials, server
from sfu.core.turn.allocation import ALLOCATIONS_EACH, LIFETIME_S
from sfu.core.turn.message import Address, StunError
from sfu.core.turn.server import NONCE_S, Relay, Reply, TurnClient
from tests.hostile import examples, mutated
from tests.sfu.core.turn.client import (
    ALICE,
    MEDIA,
    MEDIA_V6,
    NOW,
    SECRET,
    UDP,
    Client,
    code,
    ended,
    relayed,
)

STRANGERS = [
    Address("127.0.0.1", MEDIA.port),
    Address("10.0.0.1", MEDIA.port),
    Address("192.0.2.1", 80),
    Address("::1", MEDIA.port),
]


def test_a_client_gets_a_relayed_address_of_ours_and_learns_its_own() -> None:
    answer = Client().allocate()
    assert code(answer) == 0
    assert answer.attributes["XOR-RELAYED-ADDRESS"][0] == MEDIA.host
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == (ALICE.host, ALICE.port)
    assert answer.attributes["LIFETIME"] == LIFETIME_S


def test_every_allocation_has_an_address_of_its_own() -> None:
    relay = Relay(SECRET, frozenset({MEDIA}))
    told = [Client(relay, f"p{n}").allocate().attributes["XOR-RELAYED-ADDRESS"] for n in range(50)]
    assert len(set(told)) == 50


def test_what_is_sent_to_our_media_is_relayed_by_channel_and_by_indication() -> None:
    alice = Client()
    alice.allocate()
    assert code(alice.permit()) == 0
    assert relayed(alice.indicate(b"check")) == [b"check"]
    assert code(alice.bind()) == 0
    assert relayed(alice.send(b"\x40\x00\x00\x05hello")) == [b"hello"]


def test_the_media_comes_back_as_it_was_asked_for_padded_for_tcp() -> None:
    alice = Client()
    alice.allocate()
    assert alice.server.to_client(MEDIA, b"early", alice.now) is None
    alice.permit()
    indication = alice.server.to_client(MEDIA, b"hello", alice.now)
    assert indication is not None
    message = stun.parse_message(indication)
    assert message.attributes["DATA"] == b"hello"
    assert message.attributes["XOR-PEER-ADDRESS"] == (MEDIA.host, MEDIA.port)
    alice.bind()
    assert alice.server.to_client(MEDIA, b"hello", alice.now) == b"\x40\x00\x00\x05hello\0\0\0"


@pytest.mark.parametrize("peer", STRANGERS, ids=str)
def test_it_is_no_open_relay(peer: Address) -> None:
    alice = Client()
    alice.allocate()
    assert code(alice.permit(peer)) == 403
    assert code(alice.bind(peer=peer)) == 403
    alice.permit()
    assert relayed(alice.indicate(b"x", peer)) == []
    assert alice.server.to_client(peer, b"x", alice.now) is None


def test_another_port_of_our_own_address_is_not_reached() -> None:
    alice = Client()
    alice.allocate()
    assert code(alice.permit(Address(MEDIA.host, 22))) == 0, "permissions are for addresses alone"
    assert relayed(alice.indicate(b"x", Address(MEDIA.host, 22))) == []
    assert code(alice.bind(peer=Address(MEDIA.host, 22))) == 403


def test_a_credential_that_is_wrong_or_over_or_too_long_is_refused() -> None:
    for given_ in (
        credentials.issue(b"another secret", "charlie", NOW + 300),
        credentials.issue(SECRET, "charlie", NOW - 1),
        credentials.issue(SECRET, "charlie", NOW + 86_400),
        credentials.Credential("charlie", "password"),
        credentials.Credential(f"{int(NOW) + 300}:{'x' * 200}", "password"),
    ):
        charlie = Client()
        charlie.holds(given_)
        assert code(charlie.allocate()) == 401
        assert charlie.server.refused == 2


def test_nothing_is_done_for_a_request_that_is_not_signed() -> None:
    charlie = Client()
    for method in (stun.Method.ALLOCATE, stun.Method.REFRESH, stun.Method.CHANNEL_BIND):
        assert code(charlie.ask(method, signed=False, REQUESTED_TRANSPORT=UDP)) == 401
    assert charlie.server.allocation is None


def test_a_person_has_so_many_allocations_and_gets_places_back() -> None:
    relay = Relay(SECRET, frozenset({MEDIA}))
    held = [Client(relay) for _ in range(ALLOCATIONS_EACH)]
    assert {code(each.allocate()) for each in held} == {0}
    assert code(Client(relay).allocate()) == 486
    assert code(Client(relay, "bob").allocate()) == 0
    held[0].server.close()
    assert code(Client(relay).allocate()) == 0


def test_a_call_outlives_its_credential_and_nothing_else_does() -> None:
    alice, charlie = Client(), Client(person="charlie")
    for each in (alice, charlie):
        each.allocate()
    alice.server.claimed = True  # the worker found a peer behind it
    for each in (alice, charlie):
        each.now += 301
    assert code(alice.ask(stun.Method.REFRESH)) == 0
    assert code(alice.permit()) == 0
    assert code(charlie.ask(stun.Method.REFRESH)) == 401
    charlie.now += LIFETIME_S
    assert charlie.server.has_expired(charlie.now)
    assert not alice.server.has_expired(alice.now)


def test_a_refresh_with_no_lifetime_gives_the_allocation_back() -> None:
    alice = Client()
    alice.allocate()
    assert code(alice.ask(stun.Method.REFRESH, LIFETIME=0)) == 0
    assert ended(alice.outputs)
    assert alice.server.allocation is None


def test_an_old_nonce_is_told_and_the_new_one_works() -> None:
    alice = Client()
    alice.allocate()
    alice.server.claimed = True
    alice.now += NONCE_S
    assert code(alice.ask(stun.Method.REFRESH)) == 438
    assert code(alice.ask(stun.Method.REFRESH)) == 0


def test_somebody_elses_credential_does_not_work_on_an_allocation() -> None:
    alice = Client()
    alice.allocate()
    alice.holds(credentials.issue(SECRET, "charlie", NOW + 200))
    assert code(alice.ask(stun.Method.REFRESH)) == 441


def test_a_permission_ends_after_five_minutes_and_a_channel_with_it() -> None:
    alice = Client()
    alice.allocate()
    alice.bind()
    alice.now += 299
    assert relayed(alice.send(b"\x40\x00\x00\x01x")) == [b"x"]
    alice.now += 2
    assert relayed(alice.send(b"\x40\x00\x00\x01x")) == []


def test_a_channel_is_of_one_peer_and_a_peer_has_one_channel() -> None:
    alice = Client()
    alice.allocate()
    assert code(alice.bind(0x4000)) == 0
    assert code(alice.bind(0x4000)) == 0, "once more is a refresh"
    assert code(alice.bind(0x4001)) == 400
    assert code(alice.bind(0x4000, MEDIA_V6)) == 400
    assert code(alice.bind(0x3FFF, MEDIA_V6)) == 400
    assert code(alice.bind(0x4001, MEDIA_V6)) == 0


@pytest.mark.parametrize(
    ("attributes", "refusal"),
    [
        ({"REQUESTED_TRANSPORT": 6 << 24}, 442),
        ({"REQUESTED_ADDRESS_FAMILY": b"\x03\0\0\0"}, 440),
        ({"EVEN_PORT": b"\x80"}, 420),
        ({"REQUESTED_ADDRESS_FAMILY": b"\x02\0\0\0"}, 0),
    ],
)
def test_what_we_do_not_have_is_refused_by_its_code(
    attributes: dict[str, object], refusal: int
) -> None:
    assert code(Client().allocate(**attributes)) == refusal


def test_a_second_allocation_on_one_connection_is_refused() -> None:
    alice = Client()
    alice.allocate()
    assert code(alice.ask(stun.Method.ALLOCATE, REQUESTED_TRANSPORT=UDP)) == 437


def test_a_binding_request_is_answered_for_anybody() -> None:
    answer = Client().ask(stun.Method.BINDING, signed=False)
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == (ALICE.host, ALICE.port)


def test_a_server_without_ipv4_relays_by_ipv6() -> None:
    answer = Client(Relay(SECRET, frozenset({MEDIA_V6}))).allocate()
    assert answer.attributes["XOR-RELAYED-ADDRESS"][0] == MEDIA_V6.host


def test_requests_that_lack_something_are_bad_ones() -> None:
    alice = Client()
    alice.allocate()
    bad: list[tuple[stun.Method, dict[str, Any]]] = [
        (stun.Method.CREATE_PERMISSION, {}),
        (stun.Method.CHANNEL_BIND, {"XOR_PEER_ADDRESS": (MEDIA.host, MEDIA.port)}),
        (stun.Method.CHANNEL_BIND, {"CHANNEL_NUMBER": 0x4000}),
        (stun.Method.SHARED_SECRET, {}),
    ]
    for method, attributes in bad:
        assert code(alice.ask(method, **attributes)) == 400
    newcomer = Client()
    assert code(newcomer.ask(stun.Method.ALLOCATE, signed=False)) == 401
    assert code(newcomer.ask(stun.Method.ALLOCATE)) == 400
    assert code(newcomer.ask(stun.Method.REFRESH)) == 437


def test_an_address_that_is_none_is_a_bad_request() -> None:
    alice = Client()
    alice.allocate()
    message = stun.Message(stun.Method.CREATE_PERMISSION, stun.Class.REQUEST)
    message.attributes["XOR-PEER-ADDRESS"] = (MEDIA.host, MEDIA.port)
    attributes = {"USERNAME": alice.username, "REALM": "telemed-media", "NONCE": alice.nonce}
    message.attributes.update(attributes)
    unsigned = bytes(message).replace(b"\x00\x12\x00\x08\x00\x01", b"\x00\x12\x00\x08\x00\x09")
    length = int.from_bytes(unsigned[2:4]) + 24
    signed = unsigned[:2] + length.to_bytes(2) + unsigned[4:]
    integrity = hmac.digest(alice.key, signed, "sha1")
    (reply,) = alice.send(signed + b"\x00\x08\x00\x14" + integrity)
    assert isinstance(reply, Reply)
    assert code(stun.parse_message(reply.data)) == 400


def test_relayed_addresses_run_out_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "FIRST_RELAYED_PORT", 65_534)
    relay = Relay(SECRET, frozenset({MEDIA}))
    held = [Client(relay, f"p{number}") for number in range(2)]
    assert {code(each.allocate()) for each in held} == {0}
    assert code(Client(relay, "late").allocate()) == 486
    held[0].server.close()
    held[0].server.close()
    assert code(Client(relay, "late").allocate()) == 0


def test_without_an_allocation_nothing_passes() -> None:
    alice = Client()
    assert alice.server.to_client(MEDIA, b"x", alice.now) is None
    assert alice.indicate(b"x") == []
    assert not alice.server.has_expired(alice.now)


def _good_messages() -> list[bytes]:
    alice = Client()
    alice.allocate()
    found = [b"\x40\x00\x00\x05hello"]
    for method, attributes in (
        (stun.Method.ALLOCATE, {"REQUESTED-TRANSPORT": UDP}),
        (stun.Method.REFRESH, {"LIFETIME": 600}),
        (stun.Method.CHANNEL_BIND, {"CHANNEL-NUMBER": 0x4000, "XOR-PEER-ADDRESS": ("::1", 1)}),
        (stun.Method.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": (MEDIA.host, 1)}),
        (stun.Method.SEND, {"XOR-PEER-ADDRESS": (MEDIA.host, MEDIA.port), "DATA": b"x"}),
    ):
        kind = stun.Class.INDICATION if method is stun.Method.SEND else stun.Class.REQUEST
        message = stun.Message(method, kind)
        message.attributes.update(attributes)
        message.attributes.update({"USERNAME": alice.username, "NONCE": alice.nonce})
        message.attributes["REALM"] = "telemed-media"
        message.add_message_integrity(alice.key)
        found.append(bytes(message))
    return found


@examples(500)
@given(mutated(_good_messages(), max_bytes=2048) | st.binary(min_size=4, max_size=100))
def test_whatever_is_sent_ends_in_an_answer_or_in_a_stun_error(data: bytes) -> None:
    if not data:
        return
    alice = Client()
    alice.allocate()
    try:
        outputs = alice.send(data)
    except StunError:
        return
    assert all(len(each.data) < 1000 for each in outputs if isinstance(each, Reply))
    assert relayed(outputs) == [], "nothing is permitted yet"


def test_a_message_that_only_a_server_sends_is_an_error() -> None:
    client = TurnClient(Relay(SECRET, frozenset({MEDIA})), ALICE, "5eed", NOW)
    response = bytes(stun.Message(stun.Method.BINDING, stun.Class.RESPONSE))
    with pytest.raises(StunError):
        client.receive(response, NOW)
    with pytest.raises(StunError):
        client.receive(b"\x40\x00\x00\x00", NOW)

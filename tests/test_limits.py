"""A hospital behind one address meets no limit, and docs/limits.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from clinic_api.http import doors, route
from clinic_api.http.rate import Buckets
from sfu.core import ice, limits
from sfu.core.stream import outbox
from sfu.core.turn import allocation, credentials
from sfu.edge import ice_tcp, reception, turn
from sfu.shell import dtls, peer, udp
from signaling.core import messages
from signaling.core.settings import CallSettings, RoomSettings
from signaling.shell import requests
from signaling.shell.addresses import HelloLimits
from telemed_media import admission, door, log_gate, patience
from web import exchange

_PAGE = (Path(__file__).parents[1] / "docs" / "limits.md").read_text(encoding="utf-8")
_ROWS = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", _PAGE, flags=re.MULTILINE))
PEOPLE = 50
NAT = "203.0.113.7"


def numbers(row: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d+(?:\.\d+)?", _ROWS[row])]


class Rate(Protocol):
    """A token bucket's numbers; three folders have a type of their own."""

    @property
    def burst(self) -> float: ...
    @property
    def per_s(self) -> float: ...


def of(rate: Rate) -> list[float]:
    return [rate.burst, rate.per_s]


def test_the_table_has_the_numbers_of_the_code() -> None:
    calls, room = CallSettings(), RoomSettings()
    assert {row: numbers(row) for row in in_the_code(calls, room)} == in_the_code(calls, room)


def in_the_code(calls: CallSettings, room: RoomSettings) -> dict[str, list[float]]:
    return {
        "connections of one address (an IPv6 /64)": [admission.MAX_PER_NETWORK],
        "first bytes of a connection": [reception.FIRST_BYTES_S],
        "TLS of TURN, with its first message": [reception.HANDSHAKE_S],
        "a connection without an authentic check, or without an allocation": [turn.UNALLOCATED_S],
        "silence of an ICE-TCP connection": [ice_tcp.SILENT_S],
        "packets before an authentic check": of(ice_tcp.UNCLAIMED),
        "requests of one TURN connection": of(turn.REQUESTS),
        "TURN allocations of one person": [allocation.ALLOCATIONS_EACH],
        "life of a TURN credential": [credentials.LONGEST_S],
        "waiting for a slow client": [
            1000 * outbox.VIDEO_WAITS_S,
            outbox.AUDIO_WAITS_S,
            outbox.MAX_WAITING_BYTES / 1024,
        ],
        "connections in all": [admission.MAX_CONNECTIONS, admission.SPARE_FILES],
        "TLS handshake": [door.HANDSHAKE_S],
        "silence between requests, and headers in all": [patience.IDLE_S],
        "a request with its body and answer": [patience.REQUEST_S, 408],
        "body of `POST /join/exchange`": [exchange.MAX_BODY_BYTES],
        "exchanges of one address": of(exchange.EXCHANGE_RATE),
        "body of the clinic's API": [route.MAX_BODY_BYTES],
        "requests to the API of one address": of(doors.Rates().all),
        "sign-ins, codes and links tried by one address": of(doors.Rates().guessing),
        "hellos and device offers of one address": of(calls.hellos),
        "time until hello": [calls.hello_timeout_s],
        "body of WHIP and WHEP": [requests.MAX_BODY_BYTES],
        "WebSocket message": [messages.MAX_FRAME_BYTES],
        "messages of one connection": of(room.messages) + of(room.chat) + of(room.offers),
        "log lines of one event": [log_gate.BURST, log_gate.PER_S],
        "authentic STUN checks of one peer": of(limits.CHECKS),
        "one STUN transaction": [limits.SENDS_OF_A_CHECK],
        "addresses of one peer": [ice.MAX_TUPLES],
        "DTLS datagrams of one peer": of(limits.DTLS),
        "DTLS handshake": [dtls.HANDSHAKE_TIMEOUT_S],
        "first STUN check after the answer": [peer.FIRST_CHECK_S],
        "connections of a worker without keys yet": [limits.UNFINISHED],
        "new connections of one room": of(limits.JOINS),
        "people in a room": [room.max_admitted, room.max_waiting],
    }


def test_the_receive_buffer_is_what_the_page_asks_operators_for() -> None:
    assert f"rmem_max={udp.BUFFER_BYTES}" in _PAGE


def test_fifty_people_behind_one_address_join_within_a_minute() -> None:
    door_of_all, links = admission.Admission((), 8192), Buckets(exchange.EXCHANGE_RATE)
    hellos = HelloLimits(CallSettings())
    for number in range(PEOPLE):
        now = number * 60 / PEOPLE
        assert all(door_of_all.enter(NAT) for _ in range(7)), "six for the page and a WebSocket"
        assert all(links.take(NAT, now) == 0.0 for _ in range(2)), "the link is opened, then tapped"
        assert hellos.allows(NAT, now)
        assert hellos.allows(NAT, now + 0.1), "a reload right after"


def test_fifty_people_behind_one_address_come_back_at_the_same_moment() -> None:
    hellos = HelloLimits(CallSettings())
    assert all(hellos.allows(NAT, 0.0) for _ in range(2 * PEOPLE)), "and reload at once"

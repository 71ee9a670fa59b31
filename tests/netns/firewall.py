"""What a firewall lets through, told from the bytes of IP packets (RFC 791, RFC 8200, RFC 9293).

`tls` is the strict hospital's: TCP to port 443, and what a client says first must be a TLS
ClientHello (RFC 8446 section 4.1.2). What does not pass is dropped without a word, which is the
hardest case for a client: nothing tells it to give up.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Passes: TypeAlias = Literal["everything", "no udp", "port 443", "tls", "nothing"]

_TCP, _UDP = 6, 17
_HTTPS = 443
_SYN, _ACK = 0x02, 0x10


class Segment(msgspec.Struct, frozen=True):
    """Of an IP packet what the rules look at; ports are 0 where it is neither TCP nor UDP."""

    protocol: int
    source: tuple[bytes, int]
    destination: tuple[bytes, int]
    flags: int = 0  # TCP only
    payload: bytes = b""  # TCP only


class Firewall:
    """The rules of one link, with the state of the TCP flows that pass it."""

    def __init__(self) -> None:
        self._flows: dict[tuple[tuple[bytes, int], tuple[bytes, int]], bool] = {}  # speaks TLS?

    def lets(self, passes: Passes, packet: bytes, *, up: bool) -> bool:
        """May this packet pass? `up` is from the client to the server."""
        if passes == "everything":
            return True
        if passes == "nothing":
            return False
        segment = parse(packet)
        if segment is None:
            return False
        if passes == "no udp":
            return segment.protocol != _UDP
        server = segment.destination if up else segment.source
        if segment.protocol != _TCP or server[1] != _HTTPS:
            return False
        return passes == "port 443" or self._is_tls(segment, up=up)

    def _is_tls(self, segment: Segment, *, up: bool) -> bool:
        ends = (segment.source, segment.destination)
        flow = ends if up else (ends[1], ends[0])
        if up and segment.flags & (_SYN | _ACK) == _SYN:
            self._flows.pop(flow, None)
        if not segment.payload:
            return self._flows.get(flow, True)
        if flow not in self._flows:
            self._flows[flow] = up and _is_client_hello(segment.payload)
        return self._flows[flow]


def parse(packet: bytes) -> Segment | None:
    """The segment in an IP packet, or None where it is a fragment, an odd one or no IP at all."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= 20 and not int.from_bytes(packet[6:8], "big") & 0x3FFF:
        return _segment(packet[9], packet[12:16], packet[16:20], packet[(packet[0] & 15) * 4 :])
    if version == 6 and len(packet) >= 40:
        return _segment(packet[6], packet[8:24], packet[24:40], packet[40:])
    return None


def _segment(protocol: int, source: bytes, destination: bytes, body: bytes) -> Segment | None:
    if protocol not in (_TCP, _UDP):
        return Segment(protocol, (source, 0), (destination, 0))
    if len(body) < (20 if protocol == _TCP else 8):
        return None
    sender = (source, int.from_bytes(body[0:2], "big"))
    receiver = (destination, int.from_bytes(body[2:4], "big"))
    if protocol == _UDP:
        return Segment(protocol, sender, receiver)
    return Segment(protocol, sender, receiver, body[13], body[(body[12] >> 4) * 4 :])


def _is_client_hello(payload: bytes) -> bool:
    """Record type handshake (22), legacy version 3.x, handshake type client_hello (1)."""
    return len(payload) > 5 and payload[0] == 22 and payload[1] == 3 and payload[5] == 1

"""What a TCP connection to our port is, from the first bytes that the client sends.

TLS with HTTP in its ALPN list is a browser's page or WebSocket: every browser and HTTP client
names `http/1.1` or `h2` there, none of their TURN clients does (RFC 7301, RFC 8446 section 4.1.2).
STUN has its magic cookie behind four bytes; in an RFC 4571 frame of ICE-TCP it comes two later.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["https", "tls", "turn", "ice", "other"]

FIRST_BYTES = 10  # enough to tell everything but one kind of TLS from another
MAX_RECORD_BYTES = 16_384  # RFC 8446 section 5.1
_COOKIE = b"\x21\x12\xa4\x42"  # RFC 8489 section 5
_RECORD_HEADER_BYTES = 5
_HANDSHAKE, _CLIENT_HELLO, _ALPN = 22, 1, 16
_HTTP = frozenset({b"http/1.1", b"h2", b"http/1.0"})


def needed(data: bytes) -> int:
    """How many bytes from the first on `tell` has to see; more than there are: wait for them."""
    if len(data) < FIRST_BYTES or not _is_tls(data):
        return FIRST_BYTES
    return _RECORD_HEADER_BYTES + min(int.from_bytes(data[3:5]), MAX_RECORD_BYTES)


def tell(data: bytes) -> Kind:
    """The kind of connection, of at least `needed` bytes."""
    if _is_tls(data):
        return "https" if _HTTP.intersection(_protocols(data)) else "tls"
    return tell_plain(data)


def tell_plain(data: bytes) -> Kind:
    """The kind of what is no TLS, or was inside of it; at least `FIRST_BYTES` bytes."""
    if data[:1] in (b"\x00", b"\x01") and data[4:8] == _COOKIE:
        return "turn"
    if data[2:3] in (b"\x00", b"\x01") and data[6:10] == _COOKIE:
        return "ice"
    return "other"


def _is_tls(data: bytes) -> bool:
    return data[0] == _HANDSHAKE and data[1] == 3 and data[5] == _CLIENT_HELLO


def _protocols(hello: bytes) -> list[bytes]:
    """The ALPN list of a ClientHello that is whole in its first record; [] where there is none."""
    session = _RECORD_HEADER_BYTES + 4 + 2 + 32  # handshake header, version, random
    suites = session + 1 + hello[session] if session < len(hello) else len(hello)
    compressions = suites + 2 + int.from_bytes(hello[suites : suites + 2])
    extensions = compressions + 1 + int.from_bytes(hello[compressions : compressions + 1])
    at = extensions + 2
    while at + 4 <= len(hello):
        size = int.from_bytes(hello[at + 2 : at + 4])
        if int.from_bytes(hello[at : at + 2]) == _ALPN:
            return _names(hello[at + 6 : at + 4 + size])
        at += 4 + size
    return []


def _names(packed: bytes) -> list[bytes]:
    names: list[bytes] = []
    at = 0
    while at < len(packed):
        end = at + 1 + packed[at]
        names.append(packed[at + 1 : end])
        at = end
    return names

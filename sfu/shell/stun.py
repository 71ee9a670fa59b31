"""STUN as ICE-lite needs it: binding requests in, success responses out (RFC 8489, RFC 8445 7.3).

`peek_user` costs one walk over the attributes, so that checks of unknown users (Chromium sends 16 a
second for each lost call) are dropped before any HMAC is computed.
"""

from __future__ import annotations

import struct
from struct import Struct

from aioice import stun

_ATTRIBUTE = Struct("!HH")
_USERNAME = 0x0006
MAX_REQUEST_BYTES = 548  # RFC 8489 6.1: without path MTU knowledge


class StunError(ValueError):
    """Not a binding request that we can answer."""


def peek_user(data: bytes) -> str | None:
    """Our user fragment: the left half of USERNAME; None if the datagram carries none."""
    if not 20 <= len(data) <= MAX_REQUEST_BYTES or data[:2] != b"\x00\x01":
        return None
    at = 20
    while at + 4 <= len(data):
        kind, length = _ATTRIBUTE.unpack_from(data, at)
        if kind == _USERNAME:
            value = data[at + 4 : at + 4 + length]
            return value.partition(b":")[0].decode("ascii", "replace")
        at += 4 + (length + 3 & ~3)
    return None


class Request:
    """An authenticated binding request."""

    __slots__ = ("_message", "nominated")

    def __init__(self, data: bytes, password: str) -> None:
        """Raises StunError unless the message is whole and its integrity is right."""
        try:
            message = stun.parse_message(data)
            genuine = message.check_message_integrity(password.encode())
        except (ValueError, struct.error, IndexError, KeyError) as error:
            raise StunError("malformed STUN message") from error
        if not genuine or message.message_method != stun.Method.BINDING:
            raise StunError("STUN message without the right key")
        self._message = message
        self.nominated = "USE-CANDIDATE" in message.attributes

    def response(self, address: tuple[str, int], password: str) -> bytes:
        """Success: tells the peer the address that we saw (the path's public one)."""
        answer = stun.Message(
            message_method=stun.Method.BINDING,
            message_class=stun.Class.RESPONSE,
            transaction_id=self._message.transaction_id,
        )
        answer.attributes["XOR-MAPPED-ADDRESS"] = address
        answer.add_message_integrity(password.encode())
        return bytes(answer)

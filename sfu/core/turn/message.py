"""STUN messages as TURN needs them (RFC 8489, RFC 8656): parsed strictly, built with integrity.

`sfu.shell.stun` answers ICE checks and is made for speed; this is the general form, for a handful
of requests per connection. Attributes behind MESSAGE-INTEGRITY are not read (RFC 8489 14.5).
"""

from __future__ import annotations

import hmac
import ipaddress
from enum import IntEnum
from struct import Struct

import msgspec

COOKIE = 0x2112A442
MAX_MESSAGE_BYTES = 2048
MAX_ATTRIBUTES = 32
_HEADER = Struct("!HHI12s")  # type, length, cookie, transaction id
_ATTRIBUTE = Struct("!HH")
_INTEGRITY_BYTES = 20  # HMAC-SHA1
_COMPREHENSION_OPTIONAL = 0x8000


class Method(IntEnum):
    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009


class Class(IntEnum):
    REQUEST = 0x000
    INDICATION = 0x010
    SUCCESS = 0x100
    ERROR = 0x110


class Attribute(IntEnum):
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    DATA = 0x0013
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_ADDRESS_FAMILY = 0x0017
    REQUESTED_TRANSPORT = 0x0019
    XOR_MAPPED_ADDRESS = 0x0020
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028


class StunError(ValueError):
    """Not a STUN message that can be answered."""


class Address(msgspec.Struct, frozen=True):
    """IPv4 or IPv6 literal as `ipaddress` writes it, and port."""

    host: str
    port: int

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.host else 4


class Message(msgspec.Struct, frozen=True):
    """What came. `attributes` are in order; a kind that comes twice counts once (14)."""

    method: int
    kind: int
    transaction: bytes
    attributes: tuple[tuple[int, bytes], ...]
    signed: bytes = b""  # what MESSAGE-INTEGRITY covers, length adjusted; b"" where there is none
    integrity: bytes = b""

    def get(self, attribute: Attribute) -> bytes | None:
        return next((value for kind, value in self.attributes if kind == attribute), None)

    def text(self, attribute: Attribute) -> str:
        """A text attribute, "" where there is none or it is no UTF-8."""
        return (self.get(attribute) or b"").decode("utf-8", "ignore")

    def addresses(self, attribute: Attribute) -> tuple[Address, ...]:
        """Every address of that kind. Raises StunError."""
        found = [value for kind, value in self.attributes if kind == attribute]
        return tuple(read_address(value, self.transaction) for value in found)

    def unknown(self) -> list[int]:
        """Kinds that must be understood and are not (RFC 8489 section 5)."""
        known = set(Attribute)
        kinds = {kind for kind, _ in self.attributes if kind < _COMPREHENSION_OPTIONAL}
        return sorted(kinds - known)

    def is_signed_with(self, key: bytes) -> bool:
        """Whether the message carries an integrity and it is right."""
        expected = hmac.digest(key, self.signed, "sha1")
        return bool(self.integrity) and hmac.compare_digest(self.integrity, expected)


def parse(data: bytes) -> Message:
    """A whole message. Raises StunError."""
    if not _HEADER.size <= len(data) <= MAX_MESSAGE_BYTES:
        raise StunError("no STUN length")
    first, length, cookie, transaction = _HEADER.unpack_from(data)
    if first & 0xC000 or cookie != COOKIE or length % 4 or length != len(data) - _HEADER.size:
        raise StunError("no STUN header")
    method = (first & 0x000F) | (first & 0x00E0) >> 1 | (first & 0x3E00) >> 2
    attributes: list[tuple[int, bytes]] = []
    at = _HEADER.size
    while at < len(data):
        if len(attributes) == MAX_ATTRIBUTES:
            raise StunError("too many attributes")
        kind, size = _ATTRIBUTE.unpack_from(data, at)
        value = data[at + _ATTRIBUTE.size : at + _ATTRIBUTE.size + size]
        if len(value) != size:
            raise StunError("attribute cut off")
        if kind == Attribute.MESSAGE_INTEGRITY:
            if size != _INTEGRITY_BYTES:
                raise StunError("no HMAC-SHA1")
            covered = (at + _ATTRIBUTE.size).to_bytes(2)
            signed = data[:2] + covered + data[4:at]
            return Message(method, first & 0x0110, transaction, tuple(attributes), signed, value)
        attributes.append((kind, value))
        at += _ATTRIBUTE.size + size + -size % 4
    return Message(method, first & 0x0110, transaction, tuple(attributes))


def build(
    method: int,
    kind: int,
    transaction: bytes,
    attributes: list[tuple[int, bytes]],
    key: bytes | None = None,
) -> bytes:
    """A message, with MESSAGE-INTEGRITY under `key` where one is given."""
    body = b"".join(_attribute(number, value) for number, value in attributes)
    first = (method & 0x000F) | (method & 0x0070) << 1 | (method & 0x0F80) << 2 | kind
    if key is None:
        return _HEADER.pack(first, len(body), COOKIE, transaction) + body
    size = len(body) + _ATTRIBUTE.size + _INTEGRITY_BYTES
    whole = _HEADER.pack(first, size, COOKIE, transaction) + body
    return whole + _attribute(Attribute.MESSAGE_INTEGRITY, hmac.digest(key, whole, "sha1"))


def pack_address(address: Address, transaction: bytes) -> bytes:
    """The value of an XOR-…-ADDRESS (RFC 8489 section 14.2)."""
    packed = ipaddress.ip_address(address.host).packed
    family = b"\x00\x01" if len(packed) == 4 else b"\x00\x02"
    return family + (address.port ^ COOKIE >> 16).to_bytes(2) + _masked(packed, transaction)


def read_address(value: bytes, transaction: bytes) -> Address:
    """The address in such a value. Raises StunError."""
    if (len(value), value[1:2]) not in ((8, b"\x01"), (20, b"\x02")):
        raise StunError("no address")
    packed = _masked(value[4:], transaction)
    port = int.from_bytes(value[2:4]) ^ COOKIE >> 16
    return Address(str(ipaddress.ip_address(packed)), port)


def _masked(packed: bytes, transaction: bytes) -> bytes:
    mask = (COOKIE.to_bytes(4) + transaction)[: len(packed)]
    return bytes(a ^ b for a, b in zip(packed, mask, strict=True))


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)

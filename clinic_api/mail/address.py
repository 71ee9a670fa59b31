"""E-mail addresses that we would send to: RFC 5321 without quoted local parts and literals."""

from __future__ import annotations

import re
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address

_ADDRESS = re.compile(r"[^\s@<>()\[\]:;,\\\"]{1,64}@[^\s@<>()\[\]:;,\\\"]{1,253}")


class BadAddress(ValueError):
    """No e-mail address. Says nothing else, because addresses do not belong into logs."""


def parse_address(text: str, name: str = "") -> Address:
    """With `name` as what mail programs show; the domain in ASCII (RFC 5890). Raises BadAddress."""
    if not _ADDRESS.fullmatch(text) or not text.isprintable():
        raise BadAddress
    local, _, domain = text.rpartition("@")
    try:
        return Address(" ".join(name.split()), local, domain.encode("idna").decode())
    except (HeaderParseError, MessageError, UnicodeError, ValueError, IndexError):
        raise BadAddress from None

"""Frames to messages and back: the one place where bytes of a stranger become typed values.

A frame that is no JSON, too large or binary breaks the protocol and ends the connection. JSON with
a wrong field is a mistake that the client is told about, with the request or offer it belongs to.
"""

from __future__ import annotations

import msgspec

from signaling.core import messages as m

_clients: msgspec.json.Decoder[m.ClientMessage] = msgspec.json.Decoder(m.ClientMessage)
_encoder = msgspec.json.Encoder()


class _Reference(msgspec.Struct):
    """What a refused message may be known by."""

    type: str = ""
    request: int | None = None
    id: int | None = None


_references = msgspec.json.Decoder(_Reference)


class Garbage(Exception):
    """No JSON at all."""


class Malformed(Exception):
    """JSON that is not one of the messages; `error` is the answer to it."""

    def __init__(self, error: m.Error) -> None:
        super().__init__(error.code)
        self.error = error


def decode(frame: bytes) -> m.ClientMessage:
    """Read a client's frame. Raises Garbage or Malformed."""
    try:
        return _clients.decode(frame)
    except msgspec.ValidationError as problem:
        raise Malformed(_error_about(frame, str(problem))) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Garbage from None


def encode(message: m.ServerMessage) -> bytes:
    """Write a server's frame."""
    return _encoder.encode(message)


def _error_about(frame: bytes, problem: str) -> m.Error:
    try:
        reference = _references.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        reference = _Reference()
    offer = reference.id if reference.type == "offer" else None
    return m.Error(
        code="bad_message", message=problem[:200], request=reference.request, offer=offer
    )

"""Frames on a Unix socket: four bytes of length, then MessagePack."""

from __future__ import annotations

import asyncio

import msgspec

MAX_FRAME_BYTES = 1 << 20

_encoder = msgspec.msgpack.Encoder()


def write_frame(writer: asyncio.StreamWriter, message: msgspec.Struct) -> None:
    data = _encoder.encode(message)
    writer.write(len(data).to_bytes(4, "big") + data)


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame; None at the end. Raises ConnectionError where a frame is too long or cut."""
    try:
        head = await reader.readexactly(4)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ConnectionError("frame cut off") from error
        return None
    size = int.from_bytes(head)
    if size > MAX_FRAME_BYTES:
        raise ConnectionError("frame too long")
    try:
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("frame cut off") from error

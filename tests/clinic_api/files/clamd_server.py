"""A clamd that speaks the real protocol over a real socket, and says what the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from clinic_api.files.clamd import Clamd

VIRUS = b"EICAR-IN-A-TEST"


class FakeClamd:
    """`mood`: works | mute (takes all, says nothing) | dies (hangs up in the middle) | full."""

    def __init__(self, clamd: Clamd) -> None:
        self.clamd = clamd
        self.mood = "works"
        self.seen: list[bytes] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
            await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = bytearray()
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            data += await reader.readexactly(length)
            if self.mood == "dies":
                return
        self.seen.append(bytes(data))
        if self.mood == "mute":
            await reader.read()  # until the other side gives up
            return
        writer.write(self._verdict(bytes(data)) + b"\0")
        await writer.drain()

    def _verdict(self, data: bytes) -> bytes:
        if self.mood == "full":
            return b"INSTREAM size limit exceeded. ERROR"
        return b"stream: Eicar-Test-Signature FOUND" if VIRUS in data else b"stream: OK"


@asynccontextmanager
async def running(folder: Path, *, tcp: bool = False) -> AsyncIterator[FakeClamd]:
    """On a Unix socket in the folder, or on loopback."""
    fake = FakeClamd(Clamd(path=str(folder / "clamd.ctl")))
    if tcp:
        server = await asyncio.start_server(fake.handle, "127.0.0.1", 0)
        fake.clamd = Clamd(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    else:
        server = await asyncio.start_unix_server(fake.handle, fake.clamd.path)
    async with server:
        yield fake

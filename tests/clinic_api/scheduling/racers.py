"""A program: sends many requests in the same moment, each over a connection of its own.

Standard input has port and requests in JSON, standard output the answers. It is a process of its
own so that the time that it takes itself is not counted as the server's.
"""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter

import msgspec


class Given(msgspec.Struct, frozen=True):
    """What is sent where; requests are whole, as they go over the wire."""

    port: int
    requests: list[str]


class Answer(msgspec.Struct, frozen=True):
    """What came back, and how long after the request was sent."""

    status: int
    body: str
    took_s: float


async def main() -> None:
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Given)
    gate = asyncio.Event()
    ready = asyncio.Semaphore(0)
    running = [asyncio.create_task(_run(each, given.port, ready, gate)) for each in given.requests]
    for _ in running:
        await ready.acquire()
    gate.set()
    sys.stdout.buffer.write(msgspec.json.encode(await asyncio.gather(*running)))


async def _run(request: str, port: int, ready: asyncio.Semaphore, gate: asyncio.Event) -> Answer:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ready.release()
    await gate.wait()
    sent = perf_counter()
    writer.write(request.encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    body = await reader.readexactly(int(lines["content-length"]))
    took_s = perf_counter() - sent
    writer.close()
    return Answer(int(head.split(" ")[1]), body.decode(), took_s)


if __name__ == "__main__":
    asyncio.run(main())

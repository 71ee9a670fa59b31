"""A program: people who use the clinic, each over one connection that stays open (HTTPS).

Standard input has a `Given` as one line of JSON. When everybody is connected it writes `ready`,
waits for one more line, sends every request at its time, and writes a `Done`. It is a process of
its own, so that neither its work nor that of the media generator is counted as the server's.

A request counts from the moment at which it was due, also where its connection was still busy.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time

import msgspec

CONNECTING_AT_ONCE = 8
READ_WITHIN_S = 20.0
_STARTING_S = 0.05


class Person(msgspec.Struct, frozen=True):
    """Who asks: an address of the own, and lines of the header that say who it is."""

    address: str
    headers: str


class Step(msgspec.Struct, frozen=True):
    """One request; `{id}` in its path is that of the step before."""

    kind: str
    method: str
    path: str
    body: str = ""
    if_match: str = ""


class Task(msgspec.Struct, frozen=True):
    """Steps of one person, one after another, from `at_s` after the start on."""

    at_s: float
    person: int
    steps: tuple[Step, ...]


class Given(msgspec.Struct, frozen=True):
    host: str
    port: int
    people: tuple[Person, ...]
    tasks: tuple[Task, ...]  # by time


class Took(msgspec.Struct, frozen=True):
    """One answer; status 0: there was none."""

    kind: str
    status: int
    took_ms: float


class Done(msgspec.Struct, frozen=True):
    took: tuple[Took, ...]
    cpu_s: float  # of this program
    late_ms: float  # the latest start of a task


class _Made(msgspec.Struct, frozen=True):
    id: str = ""


class Connection:
    """One person's. Requests wait for one another."""

    def __init__(self, given: Given, person: Person) -> None:
        self._given = given
        self._person = person
        self._turn = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, context: ssl.SSLContext) -> None:
        """Raises OSError."""
        self._reader, self._writer = await asyncio.open_connection(
            self._given.host,
            self._given.port,
            ssl=context,
            local_addr=(self._person.address, 0),
        )

    async def run(self, task: Task, due: float, took: list[Took]) -> None:
        """Every step, until one does not succeed."""
        made = _Made()
        async with self._turn:
            for step in task.steps:
                status, body = await self._send(step, made.id)
                now = time.perf_counter()
                took.append(Took(step.kind, status, (now - due) * 1000))
                if status not in (200, 201):
                    return
                made = msgspec.json.decode(body, type=_Made) if len(task.steps) > 1 else made
                due = now

    async def _send(self, step: Step, made: str) -> tuple[int, bytes]:
        assert self._reader is not None and self._writer is not None
        lines = [
            f"{step.method} {step.path.replace('{id}', made)} HTTP/1.1",
            f"Host: {self._given.host}:{self._given.port}",
            self._person.headers,
        ]
        if step.method != "GET":
            lines += ["Content-Type: application/json", f"Content-Length: {len(step.body)}"]
        if step.if_match:
            lines.append(f"If-Match: {step.if_match}")
        self._writer.write("\r\n".join((*lines, "", step.body)).encode())
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                return await _answer(self._reader)
        except (OSError, EOFError, TimeoutError):
            return 0, b""


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    lines = dict(line.partition(": ")[::2] for line in head.split("\r\n")[1:])
    body = await reader.readexactly(int(lines.get("content-length", "0")))
    return int(head.split(" ", 2)[1]), body


async def main() -> None:
    given = msgspec.json.decode(sys.stdin.buffer.readline(), type=Given)
    connections = await _connected(given)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.buffer.readline()
    took: list[Took] = []
    cpu, late_s = time.process_time(), 0.0
    start = time.perf_counter() + _STARTING_S
    async with asyncio.TaskGroup() as group:
        for task in given.tasks:
            due = start + task.at_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            late_s = max(late_s, time.perf_counter() - due)
            group.create_task(connections[task.person].run(task, due, took))
    done = Done(tuple(took), time.process_time() - cpu, late_s * 1000)
    sys.stdout.buffer.write(msgspec.json.encode(done))


async def _connected(given: Given) -> list[Connection]:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the server's authority is as new as the server
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)
    connections = [Connection(given, person) for person in given.people]

    async def connect(each: Connection) -> None:
        async with gate:
            await each.open(context)

    await asyncio.gather(*(connect(each) for each in connections))
    return connections


if __name__ == "__main__":
    asyncio.run(main())

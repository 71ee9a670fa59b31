"""The caller's end of the worker's Unix socket; comes back by itself when the worker does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import structlog

from sfu import api
from sfu.shell.frames import read_frame, write_frame

RETRY_S = 0.1
MAX_EVENTS = 10_000  # unread ones; then the kind that is repeated every 2 s is left out
PATIENCE_S = 5.0  # a command waits so long for a worker that is being restarted

log = structlog.get_logger(__name__)


class WorkerGone(msgspec.Struct, frozen=True):
    """The connection to the worker ended: if it died, its rooms are gone with it."""


class WorkerClient:
    """Commands in, events out, over one connection that is made anew as often as needed."""

    def __init__(self, socket_path: str) -> None:
        self.info: api.WorkerInfo | None = None
        self._path = socket_path
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[api.AnyReply]] = {}
        self._last_id = 0
        self._events: asyncio.Queue[api.AnyEvent | WorkerGone] = asyncio.Queue()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def call(self, command: api.AnyCommand) -> api.AnyReply:
        """The worker's reply; `Refused` (media_unavailable) where no worker answers in time."""
        unavailable = api.Refused("media_unavailable", "The media server is restarting. Try again.")
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._connected.wait()
                return await self._ask(command)
        except (TimeoutError, ConnectionError):
            return unavailable

    async def events(self) -> AsyncIterator[api.AnyEvent | WorkerGone]:
        """Every event once, for one reader."""
        while True:
            yield await self._events.get()

    async def _ask(self, command: api.AnyCommand) -> api.AnyReply:
        if self._writer is None:
            raise ConnectionError
        self._last_id += 1
        number = self._last_id
        future: asyncio.Future[api.AnyReply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        write_frame(self._writer, api.Request(number, command))
        try:
            return await future
        finally:
            self._waiting.pop(number, None)

    async def _run(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path)
            except OSError:
                await asyncio.sleep(RETRY_S)
                continue
            self._writer = writer
            try:
                await self._receive(reader)
            except (ConnectionError, msgspec.DecodeError):
                pass
            finally:
                self._disconnect(writer)
            await asyncio.sleep(RETRY_S)

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        decoder = msgspec.msgpack.Decoder(api.FromWorker)
        while (frame := await read_frame(reader)) is not None:
            message = decoder.decode(frame)
            if isinstance(message, api.WorkerInfo):
                self.info = message
                self._connected.set()
            elif isinstance(message, api.Notice):
                self._note(message.event)
            else:
                future = self._waiting.get(message.id)
                if future is not None and not future.done():
                    future.set_result(message.reply)

    def _note(self, event: api.AnyEvent) -> None:
        if not isinstance(event, api.Quality) or self._events.qsize() < MAX_EVENTS:
            self._events.put_nowait(event)

    def _disconnect(self, writer: asyncio.StreamWriter) -> None:
        self._writer, self.info = None, None
        self._connected.clear()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the media worker is gone"))
        self._events.put_nowait(WorkerGone())
        with contextlib.suppress(RuntimeError):
            writer.close()

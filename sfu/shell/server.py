"""The worker's Unix socket: one caller at a time, length-prefixed MessagePack.

A caller that comes (back) is told the worker's info and what every slot shows. Without a caller the
rooms go on for `ORPHANED_S`, so that a front that restarts finds its calls running.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from sfu import api
from sfu.shell.frames import read_frame, write_frame
from sfu.shell.worker import EdgeSettings, MediaWorker

ORPHANED_S = 60.0
ORPHAN_CHECK_S = 1.0
MAX_UNREAD_BYTES = 16 << 20  # of events; a caller that far behind does not come back

log = structlog.get_logger(__name__)


class WorkerSettings(msgspec.Struct, frozen=True):
    """`bind` are local addresses, `candidates` the ones told to clients."""

    bind: tuple[str, ...]
    candidates: tuple[str, ...]
    port: int
    socket_path: str
    edge: EdgeSettings | None = None


class _Callers:
    """The one caller there is, and the clock that runs while there is none."""

    def __init__(self) -> None:
        self.writer: asyncio.StreamWriter | None = None
        self.alone_since: float | None = None
        self.tasks: set[asyncio.Task[None]] = set()

    def emit(self, event: api.AnyEvent) -> None:
        if self.writer is None:
            return
        if self.writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.writer.transport.abort()
        else:
            write_frame(self.writer, api.Notice(event))


async def serve(settings: WorkerSettings, stop: asyncio.Event, ready: Callable[[], None]) -> None:
    """Run a worker until `stop` is set. Raises OSError where an address cannot be bound."""
    callers = _Callers()
    worker = MediaWorker(
        settings.bind, settings.candidates, settings.port, callers.emit, settings.edge
    )
    decoder = msgspec.msgpack.Decoder(api.Request)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve_caller(reader, writer))
        callers.tasks.add(task)
        task.add_done_callback(callers.tasks.discard)

    async def serve_caller(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if callers.writer is not None:
            callers.writer.close()
        callers.writer = writer
        write_frame(writer, worker.info)
        worker.announce()
        try:
            while (frame := await read_frame(reader)) is not None:
                request = decoder.decode(frame)
                reply = await _carry_out(worker, request.command)
                write_frame(writer, api.Reply(request.id, reply))
                await writer.drain()
        except (ConnectionError, msgspec.DecodeError):
            pass
        finally:
            if callers.writer is writer:
                callers.writer = None
                callers.alone_since = asyncio.get_running_loop().time()
            writer.close()

    server = await asyncio.start_unix_server(accept, sock=_listen(settings.socket_path))
    orphans = asyncio.create_task(_close_orphans(worker, callers))
    ready()
    try:
        await stop.wait()
    finally:
        orphans.cancel()
        server.close()
        await worker.close()
        for task in callers.tasks:
            task.cancel()
        await asyncio.gather(orphans, *callers.tasks, return_exceptions=True)


async def _carry_out(worker: MediaWorker, command: api.AnyCommand) -> api.AnyReply:
    try:
        return await worker.carry_out(command)
    except Exception as bug:  # the edge: one command must not end every call
        log.error("command_failed", kind=type(command).__name__, exc_info=bug)
        return api.Refused("media_failed", "The media server could not do this.")


def _listen(path: str) -> socket.socket:
    """A private socket at `path`, in place of one that a dead worker left."""
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    Path(path).chmod(0o600)
    return listener


async def _close_orphans(worker: MediaWorker, callers: _Callers) -> None:
    while True:
        await asyncio.sleep(ORPHAN_CHECK_S)
        since = callers.alone_since
        if callers.writer is not None or since is None:
            continue
        if asyncio.get_running_loop().time() - since > ORPHANED_S:
            log.warning("caller_gone", duration_s=ORPHANED_S)
            callers.alone_since = None
            await worker.close_rooms()

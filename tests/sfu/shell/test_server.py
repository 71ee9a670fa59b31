"""The worker behind its Unix socket, and the client that comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from sfu import api
from sfu.client import WorkerClient, WorkerGone
from sfu.shell import server
from sfu.shell.frames import MAX_FRAME_BYTES, read_frame, write_frame
from sfu.shell.server import WorkerSettings, serve
from tests.netns.namespace import FIRST_ADDRESS
from tests.sfu.shell.callers import Caller, free_port, of_a_client, until


class Process:
    """A worker as the supervisor runs it; `kill` ends it, `start` makes another."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "worker.sock")
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        settings = WorkerSettings((FIRST_ADDRESS,), (FIRST_ADDRESS,), free_port(), self.path)
        ready = asyncio.Event()
        self._stop.clear()
        self._running = asyncio.create_task(serve(settings, self._stop, ready.set))
        await ready.wait()

    async def kill(self) -> None:
        self._stop.set()
        if self._running is not None:
            await self._running
            self._running = None


class Raw:
    """A caller that writes frames by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def next(self) -> api.FromWorker | None:
        async with asyncio.timeout(5):
            frame = await read_frame(self.reader)
        return None if frame is None else msgspec.msgpack.decode(frame, type=api.FromWorker)

    async def ended(self) -> bool:
        try:
            while await self.next() is not None:
                pass
        except ConnectionError:
            pass
        return True


@pytest.fixture
async def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Process]:
    monkeypatch.setattr(server, "ORPHAN_CHECK_S", 0.01)
    before = asyncio.all_tasks()
    found = Process(tmp_path)
    await found.start()
    yield found
    await found.kill()
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert [task for task in left if not of_a_client(task)] == [], "no task survives"


@pytest.fixture
async def client(process: Process) -> AsyncIterator[WorkerClient]:
    found = WorkerClient(process.path)
    await found.start()
    yield found
    await found.close()


@pytest.fixture
async def raw(process: Process) -> AsyncIterator[Raw]:
    found = Raw(*await asyncio.open_unix_connection(process.path))
    yield found
    found.writer.close()


async def test_a_caller_is_told_who_the_worker_is_first(raw: Raw) -> None:
    info = await raw.next()
    assert isinstance(info, api.WorkerInfo)
    assert info.candidates[0].address == FIRST_ADDRESS
    assert len(info.secret) == 32


async def test_a_command_gets_the_reply_with_its_number(raw: Raw) -> None:
    await raw.next()
    write_frame(raw.writer, api.Request(7, api.GetPeers()))
    write_frame(raw.writer, api.Request(9, api.OpenRoom("room")))
    assert await raw.next() == api.Reply(7, api.Peers(()))
    assert await raw.next() == api.Reply(9, api.Done())


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x00\x03abc",
        b"\xff\xff\xff\xff",
        (MAX_FRAME_BYTES + 1).to_bytes(4, "big") + b"x",
        b"\x00\x00\x00\x01\x80",
        b"\x00\x00",
    ],
)
async def test_a_malformed_frame_ends_the_connection_and_nothing_else(
    process: Process, raw: Raw, data: bytes
) -> None:
    await raw.next()
    raw.writer.write(data)
    raw.writer.write_eof()
    assert await raw.ended()
    again = Raw(*await asyncio.open_unix_connection(process.path))
    assert isinstance(await again.next(), api.WorkerInfo)
    again.writer.close()


async def test_a_second_caller_takes_the_firsts_place(process: Process, raw: Raw) -> None:
    await raw.next()
    second = Raw(*await asyncio.open_unix_connection(process.path))
    await second.next()
    assert await raw.ended()
    write_frame(second.writer, api.Request(1, api.GetPeers()))
    assert await second.next() == api.Reply(1, api.Peers(()))
    second.writer.close()


async def test_a_bug_in_one_command_is_refused_and_the_next_one_works(
    raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("bug")

    await raw.next()
    monkeypatch.setattr("sfu.core.forwarder.forwarder.Forwarder.set_muted", broken)
    write_frame(raw.writer, api.Request(1, api.SetMuted("bob", "camera", True)))
    write_frame(raw.writer, api.Request(2, api.GetPeers()))
    refused = await raw.next()
    assert isinstance(refused, api.Reply)
    assert isinstance(refused.reply, api.Refused)
    assert await raw.next() == api.Reply(2, api.Peers(()))


async def test_rooms_without_a_caller_go_on_for_a_while_and_are_then_closed(
    process: Process, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    await raw.next()
    write_frame(raw.writer, api.Request(1, api.OpenRoom("room")))
    await raw.next()
    raw.writer.close()
    client = WorkerClient(process.path)
    await client.start()
    assert (await _stats(client)).rooms == 1
    await client.close()
    monkeypatch.setattr(server, "ORPHANED_S", 0.0)
    await asyncio.sleep(0.05)
    client = WorkerClient(process.path)
    await client.start()
    assert (await _stats(client)).rooms == 0
    await client.close()


async def test_commands_and_events_pass_through_the_client(
    process: Process, client: WorkerClient
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    assert await client.call(api.OpenRoom("room")) == api.Done()
    assert client.info is not None
    assert await client.call(await bob.connection(client.info)) == api.Done()
    assert await _next_event(client) == api.PeerConnected("room", "bob")
    await bob.pc.close()


async def test_a_new_caller_is_told_again_what_every_slot_shows(process: Process) -> None:
    bob = Caller("bob", sends=False, takes=True)
    for number in range(2):
        client = WorkerClient(process.path)
        await client.start()
        assert isinstance(await _stats(client), api.Stats)
        assert client.info is not None
        if number == 0:
            await client.call(api.OpenRoom("room"))
            await client.call(await bob.connection(client.info))
            assert isinstance(await _next_event(client), api.PeerConnected)
        else:
            event = await _next_event(client)
            assert isinstance(event, api.SlotAssigned)
            assert (event.peer, event.slot, event.publisher) == ("bob", 0, None)
        await client.close()
    await bob.pc.close()


async def test_a_dead_worker_is_told_and_the_next_one_is_found(
    process: Process, client: WorkerClient
) -> None:
    await client.call(api.OpenRoom("room"))
    first = client.info
    await process.kill()
    assert await _next_event(client) == WorkerGone()
    assert not client.info
    waiting = asyncio.create_task(client.call(api.GetPeers()))
    await process.start()
    assert await waiting == api.Peers(())
    assert client.info is not None
    assert first is not None
    assert client.info.secret != first.secret


async def test_a_command_on_its_way_when_the_worker_dies_is_refused(
    process: Process, client: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = asyncio.Event()

    async def never(*_: object) -> api.AnyReply:
        started.set()
        await asyncio.Event().wait()
        return api.Done()

    await client.call(api.GetPeers())
    monkeypatch.setattr("sfu.shell.worker.MediaWorker.carry_out", never)
    asking = asyncio.create_task(client.call(api.GetPeers()))
    await started.wait()
    await process.kill()
    reply = await asking
    assert isinstance(reply, api.Refused)
    assert reply.code == "media_unavailable"


async def test_without_a_worker_a_command_is_refused_after_some_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfu.client.PATIENCE_S", 0.02)
    client = WorkerClient(str(tmp_path / "nobody.sock"))
    await client.start()
    reply = await client.call(api.GetPeers())
    assert isinstance(reply, api.Refused)
    await client.close()


async def test_events_that_nobody_reads_do_not_pile_up_for_ever(
    client: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfu.client.MAX_EVENTS", 10)
    quality = api.Quality("room", "bob", 0.0, 0.0, 0.0, False, "full")
    for _ in range(50):
        vars(WorkerClient)["_note"](client, quality)
    vars(WorkerClient)["_note"](client, api.PeerLost("room", "bob", "path"))
    seen = [await _next_event(client) for _ in range(11)]
    assert seen == [quality] * 10 + [api.PeerLost("room", "bob", "path")]


async def test_two_callers_that_fight_for_a_worker_do_not_spin(process: Process) -> None:
    clients = [WorkerClient(process.path) for _ in range(2)]
    for client in clients:
        await client.start()
    for client in clients:
        await until(lambda found=client: found.info is not None)  # type: ignore[misc]
    await asyncio.sleep(0.25)
    gone = [vars(client)["_events"].qsize() for client in clients]
    assert sum(gone) <= 8
    for client in clients:
        await client.close()


async def _stats(client: WorkerClient) -> api.Stats:
    stats = await client.call(api.GetStats())
    assert isinstance(stats, api.Stats)
    return stats


async def _next_event(client: WorkerClient) -> api.AnyEvent | WorkerGone:
    async with asyncio.timeout(5):
        async for event in client.events():
            return event
    raise AssertionError("events never end")

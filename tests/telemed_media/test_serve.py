"""`telemed-media serve` as a service manager meets it: real processes, sockets and deaths."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import psutil
import pytest

from telemed_media.supervisor import Announcement

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).parent / "telemed-media"
READY_WITHIN_S = 3 * 3.0  # promised: 3 s
BACK_WITHIN_S = 3 * 5.0  # promised: 5 s
GONE_WITHIN_S = 3 * 5.0
POLL_S = 0.05
NEVER_FOR_OTHERS = {"clinic-1.kek", "metrics.token", "telemed.sqlite", "calls.sqlite"}
PROMISED_METRICS = (
    "worker_up 1.0",
    "rooms 0.0",
    "peers 0.0",
    "forwarding_delay_seconds_bucket",
    "worker_loop_lag_seconds_bucket",
    "front_loop_lag_seconds_bucket",
    "signaling_rooms 0.0",
)


class Running:
    """A server on a data folder of its own, and everything that belongs to it."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Announcement, data: Path):
        self.process = process
        self.ready = ready
        self.data = data
        self._supervisor = psutil.Process(process.pid)

    def children(self) -> dict[str, psutil.Process]:
        """The children that run now, by the last part of their module's name."""
        found = {}
        for child in self._supervisor.children():
            command = child.cmdline()
            if child.status() != psutil.STATUS_ZOMBIE and "-m" in command:
                found[command[-1].rsplit(".", 1)[-1]] = child
        return found

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and text of a page, over TLS that trusts the folder's authority only."""
        return await asyncio.to_thread(self._get, path, headers)

    async def is_ready(self) -> bool:
        """True when calls are possible."""
        try:
            return (await self.get("/readyz"))[0] == 200
        except OSError:
            return False

    def _get(self, path: str, headers: dict[str, str]) -> tuple[int, str]:
        trust = ssl.create_default_context(cafile=str(self.data / "tls" / "ca.pem"))
        request = urllib.request.Request(self.ready.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()


async def start(data: Path, *flags: str) -> Running:
    """Serve on loopback and wait for the ready line."""
    log = data.with_name(f"{data.name}.log")
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(str(COMMAND), "serve", "--port", "0", "--host", "127.0.0.1"),
            *("--data", str(data), *flags),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            line = await process.stdout.readline()
        return Running(process, msgspec.json.decode(line, type=Announcement), data)
    except BaseException as failure:
        failure.add_note(log.read_text())
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise


async def stop(server: Running) -> int:
    """SIGTERM; the exit code. Raises TimeoutError when it takes too long."""
    server.process.terminate()
    async with asyncio.timeout(GONE_WITHIN_S):
        return await server.process.wait()


async def until(holds: Callable[[], bool], limit_s: float) -> None:
    """Poll until something holds. Raises TimeoutError."""
    async with asyncio.timeout(limit_s):
        while not holds():
            await asyncio.sleep(POLL_S)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    running = await start(tmp_path, "--demo")
    yield running
    if running.process.returncode is None:
        assert await stop(running) == 0


async def test_the_ready_line_says_where_everything_is(server: Running) -> None:
    port = int(server.ready.url.rsplit(":", 1)[1])
    assert server.ready.udp == (("127.0.0.1", port),)
    pids = server.ready.pids
    running = {name: child.pid for name, child in server.children().items()}
    assert running == {"media_worker" if name == "worker" else name: pids[name] for name in pids}
    assert set(running) == {"edge", "front", "jobs", "media_worker"}
    assert set(server.ready.links) == {"doctor", "patient"}
    for link in server.ready.links.values():
        assert link.startswith(f"{server.ready.url}/join#")


async def test_everything_it_writes_is_for_its_owner_only(server: Running) -> None:
    secret = [path for path in server.data.rglob("*") if path.parent.name in {"keys", "db"}]
    assert {path.name for path in secret} >= NEVER_FOR_OTHERS
    assert not [path for path in secret if path.stat().st_mode & 0o077]


async def test_a_ready_server_answers_operators(server: Running) -> None:
    assert (await server.get("/healthz"))[0] == 200
    assert (await server.get("/readyz"))[0] == 200
    status, metrics = await server.get("/metrics")
    assert status == 200
    for name in PROMISED_METRICS:
        assert f"\ntelemed_media_{name}" in metrics, name


@pytest.mark.parametrize("path", ["/", "/join", "/static/js/call.js", "/favicon.ico"])
async def test_a_ready_server_has_the_pages(server: Running, path: str) -> None:
    status, text = await server.get(path)
    assert status == 200
    assert text


async def test_metrics_are_not_told_to_clients_of_a_proxy(server: Running) -> None:
    token = (server.data / "keys" / "metrics.token").read_text().strip()
    seen_from_afar = {"X-Forwarded-For": "203.0.113.66"}
    assert (await server.get("/metrics", **seen_from_afar))[0] == 403
    known = {**seen_from_afar, "Authorization": f"Bearer {token}"}
    assert (await server.get("/metrics", **known))[0] == 200


@pytest.mark.parametrize("name", ["media_worker", "edge", "front", "jobs"])
async def test_a_killed_child_is_back_and_the_others_stayed(server: Running, name: str) -> None:
    old = server.children()
    old[name].kill()
    async with asyncio.timeout(BACK_WITHIN_S):
        while old[name].is_running() or name not in server.children():
            await asyncio.sleep(POLL_S)
        while not await server.is_ready():
            await asyncio.sleep(POLL_S)
    new = server.children()
    assert new.keys() == old.keys()
    assert {each for each in new if new[each].pid != old[each].pid} == {name}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stopping_leaves_nothing_behind(server: Running, number: int) -> None:
    children = server.children().values()
    os.kill(server.process.pid, number)
    async with asyncio.timeout(GONE_WITHIN_S):
        assert await server.process.wait() == 0
    assert not [child for child in children if child.is_running()]


async def test_the_children_of_a_killed_supervisor_stop_by_themselves(server: Running) -> None:
    children = list(server.children().values())
    server.process.kill()
    await server.process.wait()
    await until(lambda: not any(child.is_running() for child in children), GONE_WITHIN_S)


async def test_a_second_start_on_the_folder_gives_the_same_links(
    server: Running, tmp_path: Path
) -> None:
    await stop(server)
    again = await start(tmp_path, "--demo")
    await stop(again)
    for who, link in server.ready.links.items():
        assert again.ready.links[who].partition("#")[2] == link.partition("#")[2]


async def test_a_server_without_demo_has_no_links_and_its_folder_refuses_the_demo(
    tmp_path: Path,
) -> None:
    real = await start(tmp_path)
    await stop(real)
    assert real.ready.links == {}
    with pytest.raises(msgspec.DecodeError):  # no ready line
        await start(tmp_path, "--demo")


async def test_a_demo_folder_without_demo_keeps_its_links_to_itself(
    server: Running, tmp_path: Path
) -> None:
    await stop(server)
    again = await start(tmp_path)
    await stop(again)
    assert again.ready.links == {}

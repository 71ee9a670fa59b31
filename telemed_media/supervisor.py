"""`telemed-media serve`: the process that starts and watches the others.

It prepares everything that can fail with a sentence for the person who started it (data folder,
certificates, addresses, ports), then starts the media worker, the front and the jobs, tells when
all are ready, and keeps them alive. It carries no media and no request, so that it has little to
die of. It stops the front first, which tells the browsers, and the jobs beside it, then the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from certs.addresses import read_interfaces
from certs.files import PRIVATE, write_atomically
from telemed_media.certificates import first_pair, named_by_settings
from telemed_media.config import Settings
from telemed_media.configuration import (
    MEDIA_SOCKET,
    FrontConfiguration,
    JobsConfiguration,
    WorkerConfiguration,
)
from telemed_media.data_folder import URL_FILE, DataFolder, lock, socket_folder
from telemed_media.reach import Reach, plan_reach, resolve_host
from telemed_media.sockets import claim_port
from telemed_media.supervised import Supervised

FRONT_STOP_S = 3.5
JOBS_STOP_S = 3.0
WORKER_STOP_S = 1.5
FOR_OWNER_ONLY = 0o077


class Announcement(msgspec.Struct, frozen=True, omit_defaults=True):
    """The line on stdout when the server is ready."""

    url: str
    udp: tuple[tuple[str, int], ...]
    pids: dict[str, int]
    room: str = ""  # the demo's
    links: dict[str, str] = {}  # the demo's, by who they are for


class Plan(msgspec.Struct, frozen=True):
    """What is settled before any process starts."""

    settings: Settings
    data: DataFolder
    reach: Reach
    port: int
    url: str
    sockets: Path  # folder of the Unix sockets


def serve(settings: Settings, data: DataFolder, announce: Callable[[Announcement], None]) -> None:
    """Run the server until SIGTERM or SIGINT.

    Raises DataFolderError, ReachError, CertificateError or StartError, each in words.
    """
    os.umask(FOR_OWNER_ONLY)
    with lock(data), _listening(settings, data) as (plan, listening):
        asyncio.run(_supervise(plan, listening, announce))


@contextlib.contextmanager
def _listening(settings: Settings, data: DataFolder) -> Iterator[tuple[Plan, list[socket.socket]]]:
    reach = plan_reach(resolve_host(settings.host), settings.advertise, read_interfaces())
    port, listening = claim_port(reach, settings.port)
    url = settings.public_url or f"https://{reach.shown_host}:{port}"
    folder = socket_folder(data, MEDIA_SOCKET)
    try:
        yield Plan(settings, data, reach, port, url, folder), listening
    finally:
        for each in listening:
            each.close()
        if folder != data.run:
            shutil.rmtree(folder, ignore_errors=True)


async def _supervise(
    plan: Plan, listening: list[socket.socket], announce: Callable[[Announcement], None]
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    worker = _worker(plan)
    front = _front(plan, listening)
    jobs = _jobs(plan)
    keepers = [asyncio.create_task(child.keep()) for child in (worker, front, jobs)]
    telling = asyncio.create_task(_tell_when_ready(plan, worker, front, jobs, announce))
    stopping = asyncio.create_task(_until(stop))
    try:
        await asyncio.wait([*keepers, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        worker.retire()  # service managers signal every process at once
        await asyncio.gather(front.stop(FRONT_STOP_S), jobs.stop(JOBS_STOP_S))
        await worker.stop(WORKER_STOP_S)
        await _reap([*keepers, telling, stopping])


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


async def _reap(tasks: Iterable[asyncio.Task[None]]) -> None:
    """End the tasks; raise what made one of them give up."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


async def _tell_when_ready(
    plan: Plan,
    worker: Supervised,
    front: Supervised,
    jobs: Supervised,
    announce: Callable[[Announcement], None],
) -> None:
    await worker.ready
    await jobs.ready
    ready = await front.ready
    write_atomically(plan.data.run / URL_FILE, plan.url.encode(), PRIVATE)
    announce(
        Announcement(
            url=plan.url,
            udp=tuple((address, plan.port) for address in plan.reach.udp),
            pids={"front": front.pid, "jobs": jobs.pid, "worker": worker.pid},
            room=ready.room,
            links=ready.links,
        )
    )


def _worker(plan: Plan) -> Supervised:
    def configuration(ready_pipe: int) -> WorkerConfiguration:
        return WorkerConfiguration(
            ready_pipe=ready_pipe,
            bind=plan.reach.udp,
            candidates=plan.reach.candidates,
            port=plan.port,
            socket_path=str(plan.sockets / MEDIA_SOCKET),
        )

    return Supervised("worker", "telemed_media.media_worker", configuration)


def _front(plan: Plan, listening: list[socket.socket]) -> Supervised:
    descriptors = tuple(each.fileno() for each in listening)
    extra = named_by_settings(plan.settings, plan.reach)
    pair, local = first_pair(plan.settings, plan.data.tls, extra, time.time())

    def configuration(ready_pipe: int) -> FrontConfiguration:
        return FrontConfiguration(
            ready_pipe=ready_pipe,
            listening=descriptors,
            worker_socket_path=str(plan.sockets / MEDIA_SOCKET),
            data=str(plan.data.root),
            demo=plan.data.demo,
            public_url=plan.url,
            certificate=str(pair.certificate),
            key=str(pair.key),
            local_names=extra if local else None,
            trusted_proxies=plan.settings.trusted_proxies,
            database_url=plan.settings.database_url,
            sends_mail=bool(plan.settings.smtp_url),
        )

    return Supervised("front", "telemed_media.front", configuration, descriptors)


def _jobs(plan: Plan) -> Supervised:
    def configuration(ready_pipe: int) -> JobsConfiguration:
        return JobsConfiguration(
            ready_pipe=ready_pipe,
            data=str(plan.data.root),
            public_url=plan.url,
            database_url=plan.settings.database_url,
            smtp_url=plan.settings.smtp_url,
            mail_from=plan.settings.mail_from,
        )

    return Supervised("jobs", "telemed_media.jobs", configuration)

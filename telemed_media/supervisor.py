"""`telemed-media serve`: the process that starts and watches the others.

It prepares everything that can fail with a sentence for the person who started it (data folder,
certificates, addresses, ports), then starts the media worker, the edge, the front and the jobs,
tells when all are ready, and keeps them alive. It carries no media and no request, so that it has
little to die of. It stops the front first, which tells the browsers, and the jobs beside it, then
the edge and the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from certs.addresses import read_interfaces
from certs.files import PRIVATE, write_atomically
from certs.pair import Pair
from telemed_media.certificates import first_pair, named_by_settings
from telemed_media.config import Settings
from telemed_media.configuration import (
    EDGE_SOCKET,
    MEDIA_SOCKET,
    EdgeConfiguration,
    FrontConfiguration,
    JobsConfiguration,
    WorkerConfiguration,
)
from telemed_media.data_folder import URL_FILE, DataFolder, lock, socket_folder
from telemed_media.handover import handover_pair
from telemed_media.reach import Reach, plan_reach, require_usable, resolve_host
from telemed_media.sockets import claim_port, claim_tcp_port
from telemed_media.supervised import Supervised

FRONT_STOP_S = 3.5
JOBS_STOP_S = 3.0
WORKER_STOP_S = 1.5
EDGE_STOP_S = 1.5
HTTPS_PORT = 443
FOR_OWNER_ONLY = 0o077


class Announcement(msgspec.Struct, frozen=True, omit_defaults=True):
    """The line on stdout when the server is ready."""

    url: str
    udp: tuple[tuple[str, int], ...]
    pids: dict[str, int]
    room: str = ""  # the demo's
    links: dict[str, str] = {}  # the demo's, by who they are for


class RelayPlan(msgspec.Struct, frozen=True):
    """How clients reach the media over TCP."""

    port: int  # of ICE-TCP and of our own TURN
    urls: tuple[str, ...]  # of TURN servers that clients are told: ours or the settings'
    secret: str  # of those
    own_secret: str  # of ours


class Plan(msgspec.Struct, frozen=True):
    """What is settled before any process starts."""

    settings: Settings
    data: DataFolder
    reach: Reach
    port: int
    url: str
    sockets: Path  # folder of the Unix sockets
    relay: RelayPlan


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
    if settings.port:
        require_usable(reach, settings.port)
    port, listening = claim_port(reach, settings.port)
    url = settings.public_url or f"https://{reach.shown_host}:{port}"
    folder = socket_folder(data, MEDIA_SOCKET)
    try:
        if settings.media_tcp_port not in (0, port):
            listening += claim_tcp_port(reach, settings.media_tcp_port)
        relay = _plan_relay(settings, url, port)
        yield Plan(settings, data, reach, port, url, folder, relay), listening
    finally:
        for each in listening:
            each.close()
        if folder != data.run:
            shutil.rmtree(folder, ignore_errors=True)


def _plan_relay(settings: Settings, url: str, port: int) -> RelayPlan:
    """TURN is where people open the pages, or at its own port; or where the settings say."""
    own = secrets.token_urlsafe(32)
    tcp_port = settings.media_tcp_port or port
    if settings.turn_urls:
        return RelayPlan(tcp_port, settings.turn_urls, settings.turn_secret, own)
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    public = settings.media_tcp_port or parts.port or HTTPS_PORT
    return RelayPlan(tcp_port, (f"turns:{host}:{public}?transport=tcp",), own, own)


async def _supervise(
    plan: Plan, listening: list[socket.socket], announce: Callable[[Announcement], None]
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    passage, arrivals = handover_pair()
    pair, local = first_pair(
        plan.settings, plan.data.tls, named_by_settings(plan.settings, plan.reach), time.time()
    )
    worker = _worker(plan)
    edge = _edge(plan, pair, listening, passage)
    front = _front(plan, pair, local, arrivals)
    jobs = _jobs(plan)
    keepers = [asyncio.create_task(child.keep()) for child in (worker, edge, front, jobs)]
    telling = asyncio.create_task(_tell_when_ready(plan, worker, edge, front, jobs, announce))
    stopping = asyncio.create_task(_until(stop))
    try:
        await asyncio.wait([*keepers, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for child in (worker, edge):
            child.retire()  # service managers signal every process at once
        await asyncio.gather(front.stop(FRONT_STOP_S), jobs.stop(JOBS_STOP_S))
        await asyncio.gather(worker.stop(WORKER_STOP_S), edge.stop(EDGE_STOP_S))
        await _reap([*keepers, telling, stopping])
        for end in (passage, arrivals):
            end.close()


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
    edge: Supervised,
    front: Supervised,
    jobs: Supervised,
    announce: Callable[[Announcement], None],
) -> None:
    await worker.ready
    await edge.ready
    await jobs.ready
    ready = await front.ready
    write_atomically(plan.data.run / URL_FILE, plan.url.encode(), PRIVATE)
    announce(
        Announcement(
            url=plan.url,
            udp=tuple((address, plan.port) for address in plan.reach.udp),
            pids={
                "edge": edge.pid,
                "front": front.pid,
                "jobs": jobs.pid,
                "worker": worker.pid,
            },
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
            edge_socket_path=str(plan.sockets / EDGE_SOCKET),
            tcp_port=plan.relay.port,
        )

    return Supervised("worker", "telemed_media.media_worker", configuration)


def _edge(
    plan: Plan, pair: Pair, listening: list[socket.socket], passage: socket.socket
) -> Supervised:
    descriptors = tuple(each.fileno() for each in listening)

    def configuration(ready_pipe: int) -> EdgeConfiguration:
        return EdgeConfiguration(
            ready_pipe=ready_pipe,
            listening=descriptors,
            passage=passage.fileno(),
            worker_socket_path=str(plan.sockets / EDGE_SOCKET),
            media=tuple((address, plan.port) for address in plan.reach.candidates),
            turn_secret=plan.relay.own_secret,
            certificate=str(pair.certificate),
            key=str(pair.key),
            trusted_proxies=plan.settings.trusted_proxies,
        )

    inherited = (*descriptors, passage.fileno())
    return Supervised("edge", "telemed_media.edge", configuration, inherited)


def _front(plan: Plan, pair: Pair, local: bool, arrivals: socket.socket) -> Supervised:
    extra = named_by_settings(plan.settings, plan.reach)

    def configuration(ready_pipe: int) -> FrontConfiguration:
        return FrontConfiguration(
            ready_pipe=ready_pipe,
            arrivals=arrivals.fileno(),
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
            scans_files=bool(plan.settings.clamd_url),
            turn_urls=plan.relay.urls,
            turn_secret=plan.relay.secret,
        )

    return Supervised("front", "telemed_media.front", configuration, (arrivals.fileno(),))


def _jobs(plan: Plan) -> Supervised:
    def configuration(ready_pipe: int) -> JobsConfiguration:
        return JobsConfiguration(
            ready_pipe=ready_pipe,
            data=str(plan.data.root),
            public_url=plan.url,
            database_url=plan.settings.database_url,
            smtp_url=plan.settings.smtp_url,
            mail_from=plan.settings.mail_from,
            clamd_url=plan.settings.clamd_url,
        )

    return Supervised("jobs", "telemed_media.jobs", configuration)

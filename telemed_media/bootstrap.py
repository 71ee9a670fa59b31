"""Builds the object graph of the front from its configuration; nothing is built at import time.

The graph is a tree: whatever has to be closed is pushed on the caller's exit stack as soon as it is
open, so that it is closed in the reverse order however far the start came.
"""

from __future__ import annotations

import asyncio
import sqlite3
import ssl
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from aiohttp.web import Application
from sqlalchemy.exc import SQLAlchemyError

from certs.addresses import reachable, read_interfaces
from certs.pair import read_pair
from certs.serving import CertificateReloader, server_context
from clinic_api.db import Database
from clinic_api.http.origin import OWN, Own, is_own_page
from clinic_api.organisation.store import organisation
from sfu.client import WorkerClient
from signaling.core.settings import CallSettings, RelaySettings, RoomSettings
from signaling.shell.calls import CallControl
from signaling.shell.clock import steady_clock
from signaling.shell.ids import RandomIds
from signaling.shell.store import Store
from telemed_media.adapters import SfuMediaPlane
from telemed_media.admission import Admission
from telemed_media.call_watch import CallWatch
from telemed_media.certificate_watch import CertificateWatch
from telemed_media.clinic import open_clinic
from telemed_media.clinic_faces import add_clinic, set_up_links
from telemed_media.configuration import FrontConfiguration
from telemed_media.data_folder import DataFolder
from telemed_media.demo import DemoRoom, ensure_demo_room
from telemed_media.descriptors import raise_file_limit
from telemed_media.failures import answer_failures
from telemed_media.gate import ClinicGate, ClinicVisitLog
from telemed_media.health import Check, Health
from telemed_media.heartbeat import beats, mail_leaves
from telemed_media.join_desk import ClinicJoinDesk
from telemed_media.listener import ClientFinder, client_middleware
from telemed_media.logs import AllowList
from telemed_media.loop_lag import LoopLag
from telemed_media.metrics import Scrape, render
from telemed_media.metrics_token import load_or_create_metrics_token
from telemed_media.patience import SIGNAL_PATH, limit_time
from web import pages
from web.headers import one_of_each, security_headers

DATABASE_PATIENCE_S = 2.0

Background = Callable[[], Coroutine[Any, Any, None]]


class Front(msgspec.Struct, frozen=True):
    """What the front's process runs."""

    app: Application
    tls: ssl.SSLContext
    worker: WorkerClient
    calls: CallControl
    demo: DemoRoom | None
    links: dict[str, str]  # to print, by what they are for
    admission: Admission
    background: tuple[Background, ...]  # each runs until cancelled


async def build_front(
    given: FrontConfiguration, allow_list: AllowList, stack: AsyncExitStack
) -> Front:
    """The whole front, call control not yet started.

    Raises CertificateError, MigrationError, KeyringError, SchemaTooNew, OSError, sqlite3.Error or
    SQLAlchemyError.
    """
    folder = DataFolder(Path(given.data), given.demo)
    store = await stack.enter_async_context(await Store.open(folder.database))
    database = await stack.enter_async_context(
        await open_clinic(
            folder,
            given.database_url,
            given.public_url,
            quarantines=given.scans_files,
            sends_mail=given.sends_mail,
        )
    )
    demo = await ensure_demo_room(database) if given.demo else None
    worker = WorkerClient(given.worker_socket_path)
    stack.push_async_callback(worker.close)
    await worker.start()
    plane = SfuMediaPlane(worker)
    calls = _calls(given, plane, store, database)
    stack.push_async_callback(calls.close)
    tls, certificate = _certificate(given)
    lag = LoopLag()
    admission = Admission(given.trusted_proxies, raise_file_limit())

    async def scrape() -> bytes:
        return render(
            Scrape(
                worker=await plane.stats() if worker.info else None,
                front_loop_lag=lag.histogram(),
                signaling=calls.counters,
                tcp_connections=admission.held,
                tcp_refused=admission.refused,
                dropped_log_fields=allow_list.dropped,
                certificate_seconds_left=certificate.seconds_left(),
            )
        )

    health = Health(
        _checks(given, folder, store, database, worker),
        scrape,
        load_or_create_metrics_token(folder.keys),
    )
    app = build_app(given, health, calls, database)
    app[OWN] = Own(given.public_url, certificate.names)
    background = (lag.measure, certificate.keep, CallWatch(calls, database).keep)
    links = demo.links(given.public_url) if demo else await set_up_links(database, given.public_url)
    return Front(app, tls, worker, calls, demo, links, admission, background)


def _calls(
    given: FrontConfiguration, plane: SfuMediaPlane, store: Store, database: Database
) -> CallControl:
    gate, log = ClinicGate(database), ClinicVisitLog(database)
    relay = RelaySettings(given.turn_urls, given.turn_secret.encode())
    settings = CallSettings(RoomSettings(relay=relay))
    return CallControl(plane, gate, log, store, settings, steady_clock(), RandomIds(), is_own_page)


def _certificate(given: FrontConfiguration) -> tuple[ssl.SSLContext, CertificateWatch]:
    pair = read_pair(Path(given.certificate), Path(given.key), time.time())
    context = server_context(pair)
    return context, CertificateWatch(CertificateReloader(context, pair), given.local_names)


def build_app(
    given: FrontConfiguration, health: Health, calls: CallControl, database: Database
) -> Application:
    """Everything that is served, on one router."""
    finder = ClientFinder(given.trusted_proxies, reachable(read_interfaces()))
    app = Application(
        middlewares=[
            client_middleware(finder),
            security_headers,
            one_of_each,
            answer_failures,
            limit_time,
        ]
    )
    health.add_routes(app)
    pages.add_routes(app, ClinicJoinDesk(database))
    app.router.add_get(SIGNAL_PATH, calls.handler)
    calls.devices.add_routes(app)
    add_clinic(app, database)
    return app


def _checks(
    given: FrontConfiguration,
    folder: DataFolder,
    store: Store,
    database: Database,
    worker: WorkerClient,
) -> dict[str, Check]:
    """What has to work before calls are possible and what they need is done."""

    async def jobs_work() -> bool:
        return beats(folder.run)

    checks = {
        "database": _database_check(store, database),
        "media": _media_check(worker),
        "jobs": jobs_work,
    }
    if given.sends_mail:
        checks["mail"] = partial(mail_leaves, database)
    return checks


def _database_check(store: Store, database: Database) -> Check:
    async def database_answers() -> bool:
        try:
            async with asyncio.timeout(DATABASE_PATIENCE_S):
                await store.room("readyz")
                await database.read(organisation)
        except (sqlite3.Error, SQLAlchemyError, OSError):
            return False
        return True

    return database_answers


def _media_check(worker: WorkerClient) -> Check:
    async def media_answers() -> bool:
        return worker.info is not None

    return media_answers

"""The media worker's process: `python -m telemed_media.media_worker`, started by the supervisor."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from sfu.shell.server import WorkerSettings, serve
from sfu.shell.worker import EdgeSettings
from telemed_media import logs
from telemed_media.child import Ready, read_configuration, report_ready, run_until_stopped
from telemed_media.configuration import WorkerConfiguration


def main() -> None:
    """Serve media until the supervisor says stop."""
    logs.configure("worker", sys.stderr)
    given = read_configuration(WorkerConfiguration)
    settings = WorkerSettings(
        bind=given.bind,
        candidates=given.candidates,
        port=given.port,
        socket_path=given.socket_path,
        edge=EdgeSettings(given.edge_socket_path, given.tcp_port),
    )

    async def serve_media(stop: asyncio.Event) -> None:
        await serve(settings, stop, lambda: report_ready(given.ready_pipe, Ready()))

    run_until_stopped(serve_media, uvloop.new_event_loop)


if __name__ == "__main__":
    main()

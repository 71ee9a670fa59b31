"""The media worker's process: `python -m telemed_media.media_worker`, started by the supervisor."""

from __future__ import annotations

import asyncio
import gc
import sys

from sfu.shell.server import WorkerSettings, serve
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
    )

    def is_ready() -> None:
        gc.collect()
        gc.freeze()  # what stands now lives as long as the process: no collection looks at it again
        report_ready(given.ready_pipe, Ready())

    async def serve_media(stop: asyncio.Event) -> None:
        await serve(settings, stop, is_ready)

    run_until_stopped(serve_media)


if __name__ == "__main__":
    main()

"""The front's process: `python -m telemed_media.front`, started by the supervisor.

Pages, signalling and health over HTTPS, on listening sockets that the supervisor holds. It is ready
when call control has asked the media worker what it carries.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import AsyncExitStack

from aiohttp import web

from telemed_media import logs
from telemed_media.bootstrap import Front, build_front
from telemed_media.child import Ready, read_configuration, report_ready, run_until_stopped
from telemed_media.configuration import FrontConfiguration

SHUTDOWN_S = 0.5  # for requests that still run when call control has said farewell


def main() -> None:
    """Serve people until the supervisor says stop."""
    allow_list = logs.configure("front", sys.stderr)
    given = read_configuration(FrontConfiguration)

    async def serve(stop: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            front = await build_front(given, allow_list, stack)
            await _serve(front, given, stop)

    run_until_stopped(serve)


async def _serve(front: Front, given: FrontConfiguration, stop: asyncio.Event) -> None:
    """Run the front; a background task that fails ends it, and the supervisor starts a new one."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each()) for each in front.background]
        await front.calls.start()
        runner = await _open_doors(front, given)
        try:
            report_ready(given.ready_pipe, _ready(front, given))
            await stop.wait()
        finally:
            await front.calls.close()
            await runner.cleanup()
            for task in tasks:
                task.cancel()


async def _open_doors(front: Front, given: FrontConfiguration) -> web.AppRunner:
    runner = web.AppRunner(front.app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    for descriptor in given.listening:
        await web.SockSite(runner, socket.socket(fileno=descriptor), ssl_context=front.tls).start()
    return runner


def _ready(front: Front, given: FrontConfiguration) -> Ready:
    if front.demo is None:
        return Ready()
    return Ready(room=front.demo.room, links=front.demo.links(given.public_url))


if __name__ == "__main__":
    main()

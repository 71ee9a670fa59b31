"""The front's process: `python -m telemed_media.front`, started by the supervisor.

Pages, signalling and health over HTTPS, on connections that the edge hands over. It is ready when
call control has asked the media worker what it carries.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import AsyncExitStack

from aiohttp import web
from aiohttp.log import server_logger

from telemed_media import logs
from telemed_media.bootstrap import Front, build_front
from telemed_media.child import Ready, read_configuration, report_ready, run_until_stopped
from telemed_media.configuration import FrontConfiguration
from telemed_media.door import Door
from telemed_media.failures import is_ours
from telemed_media.handover import Arrivals
from telemed_media.patience import IDLE_S

# After each system call the loop waits so long for the interpreter while a database thread
# computes; Python's own 5 ms add up to many times what a request takes.
SWITCH_S = 0.0005
SHUTDOWN_S = 0.5  # for requests that still run when call control has said farewell


def main() -> None:
    """Serve people until the supervisor says stop."""
    allow_list = logs.configure("front", sys.stderr)
    given = read_configuration(FrontConfiguration)
    sys.setswitchinterval(SWITCH_S)

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
        runner, door = await _open_door(front, given)
        try:
            report_ready(given.ready_pipe, _ready(front))
            await stop.wait()
        finally:
            await front.calls.close()
            await door.close()
            await runner.cleanup()
            for task in tasks:
                task.cancel()


async def _open_door(front: Front, given: FrontConfiguration) -> tuple[web.AppRunner, Door]:
    server_logger.addFilter(is_ours)
    runner = web.AppRunner(
        front.app, access_log=None, shutdown_timeout=SHUTDOWN_S, keepalive_timeout=IDLE_S
    )
    await runner.setup()
    assert runner.server is not None
    arrivals = Arrivals(socket.socket(fileno=given.arrivals))
    door = Door(arrivals, runner.server, front.tls, front.admission)
    door.open()
    return runner, door


def _ready(front: Front) -> Ready:
    return Ready(room=front.demo.room if front.demo else "", links=front.links)


if __name__ == "__main__":
    main()

"""A child process's side of the agreement with the supervisor.

The child gets one JSON line of configuration on stdin, and stdin stays open: its end means that the
supervisor is gone, however it died, and then the child stops too. SIGTERM means stop; SIGINT is
left to the supervisor, because a terminal sends it to everyone at once and the order matters.
The child reports that it is ready by one JSON line on an inherited pipe.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import structlog

STOP_LIMIT_S = 5.0  # after that a child ends itself without ceremony

T = TypeVar("T")


class Ready(msgspec.Struct, frozen=True):
    """What a child has to say when it is ready, or gives up."""

    room: str = ""  # the demo's
    links: dict[str, str] = {}  # the demo's, by who they are for
    refused: str = ""  # why it can never become ready, in words for whoever starts the server


def read_configuration(kind: type[T]) -> T:
    """The configuration that the supervisor wrote. Raises msgspec.ValidationError."""
    return msgspec.json.decode(sys.stdin.buffer.readline(), type=kind)


def report_ready(pipe: int, ready: Ready) -> None:
    """Tell the supervisor, once."""
    os.write(pipe, msgspec.json.encode(ready) + b"\n")
    os.close(pipe)


def run_until_stopped(
    serve: Callable[[asyncio.Event], Awaitable[None]],
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> None:
    """Run `serve`; SIGTERM or the supervisor's death sets the event it gets."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_serve(serve))


async def _serve(serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        if not stop.is_set():
            stop.set()
            loop.call_later(STOP_LIMIT_S, _give_up)

    def watch_supervisor() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            ask_to_stop()

    loop.add_signal_handler(signal.SIGTERM, ask_to_stop)
    loop.add_reader(sys.stdin.fileno(), watch_supervisor)
    gc.freeze()
    await serve(stop)


def _give_up() -> None:
    structlog.get_logger().error("stop_took_too_long")
    os._exit(1)

"""The link itself: a process of its own that carries packets between two TUN devices.

    python -m tests.netns.link_process CLIENT_FD SERVER_FD SEED

The descriptors are inherited. Each line on standard input is a Command; each is answered by one
line, the counts so far. It ends with its standard input, so it never outlives the test run.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time

import msgspec

from tests.netns.firewall import Firewall
from tests.netns.impairment import Counts, Direction, Impairment

_AT_ONCE = 64  # packets read before what is due is written
_PACKET_BYTES = 65_535
_PRIORITY = -10  # a link that waits for the processor is late: see getpriority(2)


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A direction that is not named stays as it is."""

    up: Impairment | None = None  # from the client to the server
    down: Impairment | None = None


class Report(msgspec.Struct, frozen=True):
    """Counts of both directions."""

    up: Counts
    down: Counts


class _Lane:
    """One direction with the devices at its ends."""

    def __init__(self, source: int, target: int, direction: Direction, *, up: bool) -> None:
        self.source = source
        self.target = target
        self.direction = direction
        self.up = up

    def read(self, firewall: Firewall, now: float) -> None:
        direction = self.direction
        passes = direction.impairment.passes
        for _ in range(_AT_ONCE):
            try:
                packet = os.read(self.source, _PACKET_BYTES)
            except OSError:  # nothing there, or the device is down
                return
            if passes == "everything" or firewall.lets(passes, packet, up=self.up):
                direction.take(packet, now)
            else:
                direction.counts.blocked += 1

    def write(self, now: float) -> None:
        for packet in self.direction.due(now):
            with contextlib.suppress(OSError):  # the device is down: what was on its way is lost
                os.write(self.target, packet)


def main(client: int, server: int, seed: int) -> None:
    firewall = Firewall()
    up = _Lane(client, server, Direction(seed), up=True)
    down = _Lane(server, client, Direction(seed + 1), up=False)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    poll = select.epoll()
    for descriptor in (client, server, 0):
        os.set_blocking(descriptor, False)
        poll.register(descriptor, select.EPOLLIN)
    unread = b""
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(_wait_s(up, down))}
        now = time.monotonic()
        for lane in (up, down):
            if lane.source in ready:
                lane.read(firewall, now)
            lane.write(now)
        if 0 in ready:
            said = os.read(0, _PACKET_BYTES)
            if not said:
                return
            *lines, unread = (unread + said).split(b"\n")
            for line in lines:
                _obey(msgspec.json.decode(line, type=Command), up.direction, down.direction)


def _wait_s(up: _Lane, down: _Lane) -> float | None:
    """Until the next packet is due; None when there is none."""
    times = [t for lane in (up, down) if (t := lane.direction.next_due()) is not None]
    return max(0.0, min(times) - time.monotonic()) if times else None


def _obey(command: Command, up: Direction, down: Direction) -> None:
    up.impairment = command.up or up.impairment
    down.impairment = command.down or down.impairment
    sys.stdout.buffer.write(msgspec.json.encode(Report(up.counts, down.counts)) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))

"""The edge's process: `python -m telemed_media.edge`, started by the supervisor.

It owns the public TCP ports. Browsers' HTTPS connections go to the front as they come; ICE-TCP and
TURN over TCP and TLS end here and go on to the media worker (`sfu.edge`). A clinic opens one TCP
port for everything. It imports little and keeps little: calls over UDP do not notice when it dies,
calls over TCP come back by themselves, and pages that are open stay open.
"""

from __future__ import annotations

import asyncio
import socket
import sys

from sfu.core.stream.counters import EdgeCounters
from sfu.core.turn.message import Address
from sfu.core.turn.server import Relay
from sfu.edge.reception import Reception
from sfu.edge.worker_link import WorkerLink
from telemed_media import logs
from telemed_media.admission import Admission
from telemed_media.child import Ready, read_configuration, report_ready, run_until_stopped
from telemed_media.configuration import EdgeConfiguration
from telemed_media.descriptors import raise_file_limit
from telemed_media.edge_certificate import EdgeCertificate
from telemed_media.edge_door import EdgeDoor
from telemed_media.handover import Passage


def main() -> None:
    """Serve the public TCP ports until the supervisor says stop."""
    logs.configure("edge", sys.stderr)
    given = read_configuration(EdgeConfiguration)

    async def serve(stop: asyncio.Event) -> None:
        await _serve(given, stop)

    run_until_stopped(serve)


async def _serve(given: EdgeConfiguration, stop: asyncio.Event) -> None:
    counters = EdgeCounters()
    passage = Passage(socket.socket(fileno=given.passage))
    link = WorkerLink(given.worker_socket_path)
    certificate = EdgeCertificate(given.certificate, given.key)
    media = frozenset(Address(host, port) for host, port in given.media)
    relay = Relay(given.turn_secret.encode(), media)
    reception = Reception(link, relay, passage, certificate.context, counters)
    admission = Admission(given.trusted_proxies, raise_file_limit())
    doors = [
        EdgeDoor(socket.socket(fileno=each), reception.greet, admission, passage, counters)
        for each in given.listening
    ]
    tasks = [asyncio.create_task(each()) for each in (link.keep, reception.keep, certificate.keep)]
    for door in doors:
        door.open()
    report_ready(given.ready_pipe, Ready())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for door in doors:
            door.close()
        for task in (*tasks, stopping):
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        passage.close()
    for outcome in outcomes:  # a task that failed ends the edge: the supervisor starts a new one
        if isinstance(outcome, Exception):
            raise outcome


if __name__ == "__main__":
    main()

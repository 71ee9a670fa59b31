"""What the supervisor tells its children: the configuration lines, as types."""

from __future__ import annotations

import msgspec

MEDIA_SOCKET = "media.sock"
EDGE_SOCKET = "edge.sock"


class WorkerConfiguration(msgspec.Struct, frozen=True):
    """For `telemed_media.media_worker`."""

    ready_pipe: int  # file descriptor
    bind: tuple[str, ...]  # local addresses, one UDP socket each
    candidates: tuple[str, ...]  # addresses that browsers are told
    port: int
    socket_path: str  # where it listens for the front
    edge_socket_path: str  # where it listens for the edge
    tcp_port: int  # of ICE-TCP, as browsers are told


class EdgeConfiguration(msgspec.Struct, frozen=True):
    """For `telemed_media.edge`."""

    ready_pipe: int  # file descriptor
    listening: tuple[int, ...]  # file descriptors of TCP sockets
    passage: int  # file descriptor: the edge's end of the handover pair
    worker_socket_path: str
    media: tuple[tuple[str, int], ...]  # address and UDP port of each candidate
    turn_secret: str
    certificate: str
    key: str
    trusted_proxies: tuple[str, ...]


class FrontConfiguration(msgspec.Struct, frozen=True):
    """For `telemed_media.front`."""

    ready_pipe: int  # file descriptor
    arrivals: int  # file descriptor: the front's end of the handover pair
    worker_socket_path: str
    data: str  # the data folder, prepared and locked by the supervisor
    demo: bool
    public_url: str  # scheme, host and port that people open
    certificate: str
    key: str
    local_names: tuple[str, ...] | None  # for the local authority; None: certificate by settings
    trusted_proxies: tuple[str, ...]
    database_url: str = ""  # PostgreSQL; "": SQLite in the data folder
    sends_mail: bool = False  # there is a mail server; else staff hand messages over
    scans_files: bool = False  # there is a virus scanner: nothing is given out before
    turn_urls: tuple[str, ...] = ()  # that clients are told
    turn_secret: str = ""


class JobsConfiguration(msgspec.Struct, frozen=True):
    """For `telemed_media.jobs`."""

    ready_pipe: int  # file descriptor
    data: str
    public_url: str
    database_url: str
    smtp_url: str  # "": staff hand messages over
    mail_from: str
    clamd_url: str = ""  # virus scanner; "": files are not scanned

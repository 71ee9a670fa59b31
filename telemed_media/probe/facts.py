"""What a look at an installation found."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Transport: TypeAlias = Literal["udp", "ice-tcp", "turn-tls"]
Stage: TypeAlias = Literal["connect", "check", "keys", "media", "done"]


class Attempt(msgspec.Struct, frozen=True):
    """A call over one transport to one address, and the stage that it did not get past."""

    transport: Transport
    address: str
    port: int
    stage: Stage
    took_s: float


class Entrance(msgspec.Struct, frozen=True):
    """The door of the pages and of signalling. `problem` is "" where it opened."""

    url: str
    problem: Literal["", "unreachable", "untrusted", "not_ready", "refused"] = ""
    detail: str = ""


class Surroundings(msgspec.Struct, frozen=True):
    """What the machine says about itself; None where it does not say."""

    certificate_problem: str  # "" where the pair is good
    certificate_names: frozenset[str]
    certificate_left_s: float
    host: str  # of the address that people open
    own_addresses: frozenset[str]
    receive_buffer_bytes: int | None  # net.core.rmem_max
    send_buffer_bytes: int | None  # net.core.wmem_max
    clock_synchronised: bool | None
    disk_free_bytes: int
    jobs_alive: bool
    backup_age_s: float | None  # of the newest in the data folder
    database_problem: str  # "" where a row could be written
    demo: bool

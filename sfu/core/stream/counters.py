"""Every counter of the edge, with the sentence that /metrics prints for it."""

from __future__ import annotations

EDGE_HELP: dict[str, str] = {
    "edge_accepted": "TCP connections accepted by the edge",
    "edge_refused": "TCP connections over the edge's limits, closed unread",
    "edge_https": "connections handed over to the front",
    "edge_ice": "connections that carried ICE-TCP",
    "edge_turn": "connections that spoke TURN",
    "edge_other": "connections that began with none of our protocols",
    "edge_timed_out": "connections that took too long to say something, or fell silent",
    "edge_broken": "connections that broke their protocol, TLS included",
    "edge_dropped_late": "packets to clients over TCP that had waited too long to be of use",
    "edge_dropped_early": "packets from clients over TCP before a peer had claimed their path",
    "turn_allocations": "TURN allocations made",
    "turn_refused": "TURN requests refused: credentials, quota, or a peer that is not ours",
}


class EdgeCounters:
    """Whole numbers since the edge's start, by the names of `EDGE_HELP`."""

    __slots__ = tuple(EDGE_HELP)

    def __init__(self) -> None:
        for name in EDGE_HELP:
            setattr(self, name, 0)

    edge_accepted: int
    edge_refused: int
    edge_https: int
    edge_ice: int
    edge_turn: int
    edge_other: int
    edge_timed_out: int
    edge_broken: int
    edge_dropped_late: int
    edge_dropped_early: int
    turn_allocations: int
    turn_refused: int

    def as_dict(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in EDGE_HELP}

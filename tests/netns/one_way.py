"""A middlebox that lets checks and handshakes pass, and media in one direction only.

nftables on one machine drops UDP whose first byte is that of RTP or RTCP (RFC 7983: 128 to 191).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from tests.netns.hosts import Host

Direction = Literal["up", "down"]  # from this machine, to it

_TABLE = "inet telemed_test_one_way"
_HOOKS: dict[Direction, str] = {"up": "output", "down": "input"}


@contextmanager
def media_lost(host: Host, direction: Direction) -> Iterator[None]:
    """While this lasts no media packet passes in this direction."""
    rules = f"""
table {_TABLE} {{
  chain media {{
    type filter hook {_HOOKS[direction]} priority 0;
    meta l4proto udp @th,64,8 & 0xc0 == 0x80 counter drop
  }}
}}
"""
    host.run("nft", "-f", "-", script=rules)
    try:
        yield
    finally:
        host.run("nft", "delete", "table", *_TABLE.split())

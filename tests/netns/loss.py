"""Losing packets on purpose, inside the private network only (see namespace.py).

nftables drops UDP packets at random on their way in, told apart by the server's port: up is towards
the server, down is from it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_TABLE = "inet telemed_test_loss"


@contextmanager
def udp_loss(port: int, *, up: float = 0.0, down: float = 0.0) -> Iterator[None]:
    """Drop these shares (0..1) of the packets to and from the server's UDP port."""
    _nft(_rules(port, up, down))
    try:
        yield
    finally:
        _nft(f"delete table {_TABLE}")


@contextmanager
def unreachable(address: str, port: int) -> Iterator[None]:
    """Drop every UDP packet to one of the server's addresses, as a firewall does."""
    _nft(
        f"""
table {_TABLE} {{
  chain arriving {{
    type filter hook input priority 0;
    ip daddr {address} udp dport {port} counter drop
  }}
}}
"""
    )
    try:
        yield
    finally:
        _nft(f"delete table {_TABLE}")


def dropped() -> tuple[int, int]:
    """Packets dropped so far (up, down) by the current rules."""
    listing = _nft_output("list", "table", *_TABLE.split())
    counts = [int(line.split("packets ")[1].split()[0]) for line in listing if "packets" in line]
    return counts[0], counts[1]


def _rules(port: int, up: float, down: float) -> str:
    return f"""
table {_TABLE} {{
  chain arriving {{
    type filter hook input priority 0;
    udp dport {port} numgen random mod 1000 < {round(up * 1000)} counter drop
    udp sport {port} numgen random mod 1000 < {round(down * 1000)} counter drop
  }}
}}
"""


def _nft(script: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True)


def _nft_output(*arguments: str) -> list[str]:
    done = subprocess.run(["nft", *arguments], text=True, capture_output=True, check=True)
    return done.stdout.splitlines()

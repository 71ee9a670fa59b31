"""`make bench`: what a forwarded packet costs, printed as a table and written as JSON.

The executor runs alone in this process, with real AES-GCM on both sides and real UDP sockets on
loopback; the publisher's packets are encrypted beforehand, so that only the server's work is
measured. Every delivered packet is counted at the subscribers' sockets and one in a hundred is
decrypted: the run fails if less than 99 % arrive or one does not decrypt.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path

import cryptography
import msgspec

from bench.fanout import Result, measure

SCENARIOS = ((1, 2000), (3, 2000), (10, 1000), (30, 400))  # (subscribers, packets in)
RESULTS = Path("bench/results/executor.json")
LEAST_DELIVERED = 0.99


def main() -> int:
    results = [measure(subscribers, packets) for subscribers, packets in SCENARIOS]
    _print_table(results)
    _write(results)
    bad = [r for r in results if r.delivered < LEAST_DELIVERED or r.undecryptable]
    for result in bad:
        print(f"1 → {result.subscribers}: packets were lost or do not decrypt", file=sys.stderr)
    return 1 if bad else 0


def _print_table(results: list[Result]) -> None:
    print("executor alone, AEAD_AES_128_GCM, 1100-byte VP8 packets, loopback")
    print(f"{'fan-out':>8} {'packets in':>11} {'delivered':>10} {'CPU µs per delivered':>21}")
    for r in results:
        fanout = f"1 → {r.subscribers}"
        print(f"{fanout:>8} {r.packets:>11} {r.delivered:>9.1%} {r.cpu_us:>21.1f}")


def _write(results: list[Result]) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cpus": os.cpu_count(), "load": os.getloadavg()[0], "cpu": platform.machine()},
        "versions": {"python": platform.python_version(), "cryptography": cryptography.__version__},
        "results": [msgspec.to_builtins(result) for result in results],
    }
    RESULTS.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())

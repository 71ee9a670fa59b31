"""The process that prints: one paper comes in by standard input, its PDF leaves by standard output.

What cannot be set ends it with 1 and the name of the error: its words may hold health data.
"""

from __future__ import annotations

import os
import resource
import sys

import msgspec

from clinic_api.export.paper import Paper
from clinic_api.export.typesetting import typeset

MOST_MEMORY_BYTES = 1024 * 1024 * 1024  # of address space; 33 pages took 73 MB of memory (measured)
NICE = 10  # calls go first


def main() -> int:
    """The exit code."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    try:
        paper = msgspec.json.decode(sys.stdin.buffer.read(), type=Paper)
        sys.stdout.buffer.write(typeset(paper))
    except Exception as problem:  # noqa: BLE001 - its words may hold health data
        sys.stderr.write(type(problem).__name__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

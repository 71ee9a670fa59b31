"""Asks ClamAV's daemon whether there is a virus in a file (clamd(8), command INSTREAM).

    unix:/run/clamav/clamd.ctl      a socket on this machine
    tcp:clamav.example:3310         another one; nothing is encrypted on the way

One connection per file: `zINSTREAM` and NUL, then parts with their length in four bytes, then a
length of zero; the answer ends with NUL. What is no clear answer is none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Literal
from urllib.parse import urlsplit

import msgspec

ANSWER_BYTES = 4096
CONNECT_S = 5.0
SCAN_S = 120.0  # clamd's own MaxScanTime is two minutes
_LENGTH_BYTES = 4


class BadClamdUrl(ValueError):
    """Says in words what is wrong."""


class NoScanner(Exception):
    """There is no scanner to talk to, or it broke off; the message is for the log."""


class Clamd(msgspec.Struct, frozen=True, kw_only=True):
    """Where it listens: `path`, or `host` and `port`."""

    path: str = ""
    host: str = ""
    port: int = 0


class Scan(msgspec.Struct, frozen=True):
    """What it said of one file; `finding` is the virus's name, or why there is no verdict."""

    verdict: Literal["clean", "refused", "later"]
    finding: str = ""


def parse_clamd_url(url: str) -> Clamd:
    """Raises BadClamdUrl."""
    scheme, _, rest = url.partition(":")
    if scheme == "unix" and rest.startswith("/"):
        return Clamd(path=rest)
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if scheme != "tcp" or not host or not port or rest.startswith("/"):
        raise BadClamdUrl("it must look like unix:/run/clamav/clamd.ctl or tcp:127.0.0.1:3310")
    return Clamd(host=host, port=port)


async def scan(clamd: Clamd, chunks: AsyncIterator[bytes], *, within_s: float = SCAN_S) -> Scan:
    """Raises NoScanner, and what `chunks` raises."""
    reader, writer = await _connect(clamd)
    try:
        async with asyncio.timeout(within_s):
            answer = await _exchange(reader, writer, chunks)
    except TimeoutError:
        raise NoScanner(f"no answer within {within_s:.0f} s") from None
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return _read(answer)


async def _connect(clamd: Clamd) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(CONNECT_S):
            if clamd.path:
                return await asyncio.open_unix_connection(clamd.path, limit=ANSWER_BYTES)
            return await asyncio.open_connection(clamd.host, clamd.port, limit=ANSWER_BYTES)
    except (OSError, TimeoutError) as problem:
        raise NoScanner(f"cannot be reached: {problem or 'no answer'}") from problem


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunks: AsyncIterator[bytes]
) -> str:
    """Where it answers before the end (the file is over its limit), that answer counts."""
    with contextlib.suppress(ConnectionError):
        writer.write(b"zINSTREAM\0")
        async for chunk in chunks:
            if chunk:  # a length of zero would be the end
                writer.write(len(chunk).to_bytes(_LENGTH_BYTES, "big") + chunk)
                await writer.drain()
        writer.write(bytes(_LENGTH_BYTES))
        await writer.drain()
    try:
        answer = await reader.readuntil(b"\0")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError) as problem:
        raise NoScanner("it broke off") from problem
    return answer[:-1].decode("utf-8", "replace")


def _read(answer: str) -> Scan:
    said = answer.removeprefix("stream: ")
    if answer == "stream: OK":
        return Scan("clean")
    if answer.startswith("stream: ") and said.endswith(" FOUND"):
        return Scan("refused", said.removesuffix(" FOUND"))
    return Scan("later", said)

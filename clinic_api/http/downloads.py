"""Sends a file: opened part by part as it goes, and in no case as a page of ours.

Whatever is in the file, a browser saves it and shows nothing: it is an attachment, of the type that
its content had, and sandboxed should it be opened all the same. A part that does not open ends the
connection in the middle, so that nobody takes half of a file for the whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from urllib.parse import quote

import structlog
from aiohttp import web

from clinic_api.errors import Refused
from clinic_api.files.disk import Disk
from clinic_api.files.model import GivenFile
from clinic_api.http.answering import has_etag
from clinic_api.sealed_file import SealedFileError

CHUNKS_AT_ONCE = 4  # of 64 KiB, in one call of a thread
SLOWEST_S = 60.0  # for these

_BROKEN = (SealedFileError, KeyError, OSError)

log = structlog.get_logger(__name__)


async def send_file(request: web.Request, disk: Disk, file: GivenFile) -> web.StreamResponse:
    """Raises Refused(file_damaged) before the first byte, where it can be known."""
    headers = {**attachment_headers(file.name), "ETag": file.etag}
    if has_etag(request, file.etag):
        return web.Response(status=304, headers=headers)
    chunks = disk.chunks(file.id, file.size)
    try:
        data = await asyncio.to_thread(_some, chunks)
    except _BROKEN as problem:
        log.error("file_damaged", file=file.id, exc_info=problem)
        raise Refused("file_damaged") from problem
    response = web.StreamResponse(headers=headers)
    response.content_type = file.media_type
    response.content_length = file.size
    if file.media_type.startswith("text/"):
        response.charset = "utf-8"
    await response.prepare(request)
    if request.method != "HEAD":
        await _stream(request, response, file, chunks, data)
    return response


async def _stream(
    request: web.Request,
    response: web.StreamResponse,
    file: GivenFile,
    chunks: Iterator[bytes],
    data: bytes,
) -> None:
    try:
        while data:
            async with asyncio.timeout(SLOWEST_S):
                await response.write(data)
            data = await asyncio.to_thread(_some, chunks)
        await response.write_eof()
    except (*_BROKEN, TimeoutError) as problem:
        if not isinstance(problem, ConnectionError | TimeoutError):
            log.error("file_damaged", file=file.id, exc_info=problem)
        if request.transport is not None:
            request.transport.abort()


def _some(chunks: Iterator[bytes]) -> bytes:
    return b"".join(islice(chunks, CHUNKS_AT_ONCE))


def attachment_headers(name: str) -> dict[str, str]:
    """RFC 6266 4: a plain name for old programs, and the true one in UTF-8."""
    plain = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in name)
    called = f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return {
        "Content-Disposition": f"attachment; {called}",
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }

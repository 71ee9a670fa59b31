"""A form with a file (multipart/form-data, RFC 7578), read as a stream and in one order.

First the fields, each small and once; then the file, last, and nothing behind it. So everything
that may be checked without the file is checked before a byte of it is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from clinic_api.errors import Refused
from clinic_api.http.reading import TWICE

FORM = "multipart/form-data"
FILE_FIELD = "file"
MOST_FIELDS = 20
FIELD_BYTES = 8 * 1024
FRAME_BYTES = 64 * 1024  # fields, heads of parts and boundaries beside the file
READ_BYTES = 64 * 1024

NOT_LAST = "The file has to be the last field."


class Patience(msgspec.Struct, frozen=True):
    """How long a body may take: `grace_s`, and what it needs at `bytes_per_s`, the slowest line."""

    grace_s: float = 30.0
    bytes_per_s: float = 16_384.0  # 128 kbit/s: an old DSL line
    idle_s: float = 20.0  # without a byte

    def body_s(self, length: int) -> float:
        """For a body of `length` bytes."""
        return self.grace_s + length / self.bytes_per_s


class Form:
    """A form up to its file."""

    def __init__(
        self,
        fields: dict[str, str],
        reader: MultipartReader,
        part: BodyPartReader,
        ends_at_s: float,
        idle_s: float,
    ) -> None:
        self.fields = fields
        self.file_name = part.filename or ""
        self._reader = reader
        self._part = part
        self._ends_at_s = ends_at_s  # on the event loop's clock
        self._idle_s = idle_s

    async def file(self) -> AsyncIterator[bytes]:
        """The file's bytes. Raises Refused: too_slow, not_form (it was cut, or is not the last)."""
        while not self._part.at_eof():
            async with _in_time(self._ends_at_s, self._idle_s):
                data = await self._part.read_chunk(READ_BYTES)
            if data:
                yield data
        async with _in_time(self._ends_at_s, self._idle_s):
            following = await self._reader.next()
        if following is not None:
            raise Refused("invalid", fields={FILE_FIELD: NOT_LAST})


async def open_form(request: web.Request, limit: int, patience: Patience) -> Form:
    """Read the fields and stop at the file, of up to `limit` bytes.

    Raises Refused: length_needed, too_large, too_slow, not_form, invalid (fields).
    """
    if request.content_type != FORM or request.headers.get("Content-Encoding"):
        raise Refused("not_form")
    if request.content_length is None:
        raise Refused("length_needed")
    if request.content_length > limit + FRAME_BYTES:
        raise too_large(limit)
    ends_at_s = asyncio.get_running_loop().time() + patience.body_s(request.content_length)
    fields: dict[str, str] = {}
    async with _in_time(ends_at_s, patience.idle_s):
        reader = await request.multipart()
        while part := await reader.next():
            if not isinstance(part, BodyPartReader):
                raise Refused("not_form")
            if part.name == FILE_FIELD:
                return Form(fields, reader, part, ends_at_s, patience.idle_s)
            await _add_field(fields, part)
    raise Refused("invalid", fields={FILE_FIELD: "Please choose a file."})


def too_large(limit: int) -> Refused:
    """The refusal of a file over the limit, in bytes."""
    return Refused("too_large", f"The file is larger than {limit // (1024 * 1024)} MB.")


async def _add_field(fields: dict[str, str], part: BodyPartReader) -> None:
    """An empty field counts as absent, as browsers send what was not filled in."""
    name = part.name or ""
    if name in fields or len(fields) >= MOST_FIELDS:
        raise Refused("invalid", fields={name: TWICE})
    data = bytearray()
    while not part.at_eof():
        data += await part.read_chunk(FIELD_BYTES)
        if len(data) > FIELD_BYTES:
            raise Refused("too_large")
    if data:
        fields[name] = data.decode()


@asynccontextmanager
async def _in_time(ends_at_s: float, idle_s: float) -> AsyncIterator[None]:
    """Refuses what is not over in time, and what is no form."""
    now = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(min(ends_at_s, now + idle_s)):
            yield
    except TimeoutError:
        raise Refused("too_slow") from None
    except (ValueError, AssertionError, HttpProcessingError, web.RequestPayloadError):
        raise Refused("not_form") from None  # also a connection that ended in the middle

"""Our static files: read once from the package, served with ETags and compressed where it helps.

They are few and small, so they live in memory; a file outside of the package cannot be named.
Modules are sent without their comments (rjsmin; measured: the call page's 52 modules are 66 KB with
them and 39 KB without, gzip), so that there is no build step between a source and the page.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec
import rjsmin
from aiohttp import web

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}


_IMPORT = re.compile(r'^(?:import|\}) .*from "\./([^"]+)"', re.MULTILINE)


class StaticFile(msgspec.Struct, frozen=True):
    """One file as it is sent."""

    content_type: str
    plain: bytes
    compressed: bytes  # gzip
    etag: str
    imports: tuple[str, ...] = ()  # of a module: the names beside it that it imports


def load_static_files() -> dict[str, StaticFile]:
    """Every file under `web/static`, by its path there. Raises KeyError for an unknown type."""
    return {path: _static_file(path, data) for path, data in _walk(files("web") / "static", "")}


def modules_of(static: Mapping[str, StaticFile], entry: str) -> tuple[str, ...]:
    """The script and all that it imports, at any depth. Raises KeyError if one is missing."""
    folder = entry.rpartition("/")[0]
    found, to_read = {entry}, [entry]
    while to_read:
        imported = {f"{folder}/{name}" for name in static[to_read.pop()].imports}
        to_read += sorted(imported - found)
        found |= imported
    return tuple(sorted(found))


def answer(request: web.Request, file: StaticFile) -> web.Response:
    """The file, or 304 where the client has it already (RFC 9110, section 13.1.2)."""
    headers = {"ETag": file.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if file.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = file.content_type
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=file.plain, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return web.Response(body=file.compressed, headers=headers)


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_bytes()


def _static_file(path: str, data: bytes) -> StaticFile:
    suffix = path.rpartition(".")[2]
    imports: tuple[str, ...] = ()
    if suffix == "js":
        source = data.decode()
        imports = tuple(_IMPORT.findall(source))
        data = str(rjsmin.jsmin(source, keep_bang_comments=True)).encode()
    etag = f'W/"{hashlib.sha256(data).hexdigest()[:32]}"'
    return StaticFile(_TYPES[suffix], data, gzip.compress(data, mtime=0), etag, imports)

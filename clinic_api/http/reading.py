"""What the API reads of a request: the version, the idempotency key, the command.

Strict and bounded. Path parameters that fit no type name nothing that exists, so they are a 404
like any other unknown object; everything else that is wrong is told at once, field by field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from clinic_api.errors import Refused
from clinic_api.http.fields import NOT_FITTING, is_list, wrong_fields
from clinic_api.http.route import Route

MAX_VERSION_DIGITS = 9  # versions are 32-bit numbers
MAX_TAGS = 8  # of If-Match; each may cost a transaction
MAX_KEY_CHARS = 255
TWICE = "This is given twice."

TAG_PATTERN = rf'^"[0-9]{{1,{MAX_VERSION_DIGITS}}}(\.[0-9a-f]+)?"$'
KEY_PATTERN = rf"^[!-~]{{1,{MAX_KEY_CHARS}}}$"

_JSON = "application/json"


def versions_of(request: web.Request) -> tuple[int, ...]:
    """The versions that If-Match names, newest first, so that any of them may be the present one
    (RFC 9110 13.1.1). Raises Refused: match_needed, stale.

    A weak tag never matches, nor one that is not of ours. `*` would not say what was read.
    """
    given = ",".join(request.headers.getall("If-Match", [])).strip(" \t,")
    if not given or given == "*":
        raise Refused("match_needed")
    tags = [tag for tag in map(str.strip, given.split(",")) if re.fullmatch(TAG_PATTERN, tag)]
    versions = {int(tag.strip('"').partition(".")[0]) for tag in tags[:MAX_TAGS]}
    if not versions:
        raise Refused("stale")
    return tuple(sorted(versions, reverse=True))


def key_of(request: web.Request) -> str | None:
    """The Idempotency-Key; None where there is none. Raises Refused(invalid)."""
    given = request.headers.getall("Idempotency-Key", [])
    if not given:
        return None
    key = given[0].strip()
    if len(given) > 1 or not re.fullmatch(KEY_PATTERN, key):
        sentence = f"One key of 1 to {MAX_KEY_CHARS} characters without spaces."
        raise Refused("invalid", fields={"Idempotency-Key": sentence})
    return key


async def body_of(request: web.Request, route: Route) -> bytes:
    """The whole body. Raises Refused: not_json, too_large."""
    if not route.has_body:
        return b""
    if request.content_type != _JSON or request.headers.get("Content-Encoding"):
        raise Refused("not_json")
    limit = route.max_body_bytes
    if (request.content_length or 0) > limit:
        raise Refused("too_large")
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise Refused("too_large")
    return bytes(data)


def command_of(
    request: web.Request, route: Route, body: bytes | Mapping[str, str], version: int | None
) -> msgspec.Struct:
    """The command of the request; `body` is the fields where it was a form.

    Raises Refused: not_found, invalid with every wrong field.
    """
    path = _path_values(request, route)
    strict = route.has_body and isinstance(body, bytes)
    sent = _sent(request, route, body)
    wrong = wrong_fields(sent, route.sent, strict=strict)
    if wrong:
        raise Refused("invalid", fields=wrong)
    held = {} if version is None else {"version": version}
    try:
        return msgspec.convert({**sent, **path, **held}, route.command, strict=strict)
    except msgspec.ValidationError:  # what only the Struct as a whole knows (__post_init__)
        raise Refused("invalid", fields={"": NOT_FITTING}) from None


def _sent(request: web.Request, route: Route, body: bytes | Mapping[str, str]) -> Mapping[str, Any]:
    if not isinstance(body, bytes):
        return dict(body)
    return _from_json(body) if route.has_body else _from_query(request, route)


def _path_values(request: web.Request, route: Route) -> dict[str, str]:
    """Raises Refused(not_found)."""
    values = {name: request.match_info[name] for name in route.path_fields}
    for field in msgspec.structs.fields(route.command):
        if field.name in values and wrong_fields(values[field.name], field.type):
            raise Refused("not_found")
    return values


def _from_query(request: web.Request, route: Route) -> dict[str, Any]:
    """Each parameter once, except for fields that are lists. Raises Refused(invalid)."""
    lists = {field.name for field in msgspec.structs.fields(route.sent) if is_list(field.type)}
    values: dict[str, Any] = {name: request.query.getall(name) for name in request.query}
    twice = {name: TWICE for name in values if name not in lists and len(values[name]) > 1}
    if twice:
        raise Refused("invalid", fields=twice)
    return {name: value if name in lists else value[0] for name, value in values.items()}


def _from_json(body: bytes) -> dict[str, Any]:
    """Raises Refused: invalid for what is no JSON object, or names a field twice (RFC 8259 4)."""
    try:
        value = msgspec.json.decode(body)
        json.loads(body, object_pairs_hook=_without_twins)
    except _Twice as twice:
        raise Refused("invalid", fields={str(twice): TWICE}) from None
    except (ValueError, RecursionError):
        raise Refused("invalid", "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Refused("invalid", "The body has to be a JSON object.")
    return value


class _Twice(Exception):
    """The name that an object has twice."""


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    seen: dict[str, object] = {}
    for name, value in pairs:
        if name in seen:
            raise _Twice(name)
        seen[name] = value
    return seen

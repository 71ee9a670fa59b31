"""What the API answers: a Struct as JSON with its ETag, or a refusal as a problem (RFC 9457).

An ETag is the row's version, a dot, and a hash of what was sent: If-Match compares the version,
which is what a change is made over; If-None-Match the whole, as parts of other rows may be shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from aiohttp import web

from clinic_api.errors import Alternative, Refused
from clinic_api.http.authentication import SESSION_COOKIE
from clinic_api.http.route import Route

DOCS_PATH = "/docs/api"
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_S = 2
_ETAG_BYTES = 8


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal: `code` is stable, `detail` is for people; `fields` has a sentence per field."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    fields: dict[str, str] = {}
    alternatives: tuple[Alternative, ...] = ()  # free times instead of one that is taken


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it is sent, and kept for a request that comes twice."""

    status: int
    body: bytes = b""
    content_type: str = ""
    etag: str = ""


def answer_of(route: Route, result: object) -> Answer:
    """`result` in JSON; the version that it has makes the ETag."""
    if route.result is None:
        return Answer(status=route.status)
    body = msgspec.json.encode(result)
    version = getattr(result, "version", None)
    digest = hashlib.blake2b(body, digest_size=_ETAG_BYTES).hexdigest()
    etag = f'"{version}.{digest}"' if isinstance(version, int) else ""
    return Answer(status=route.status, body=body, content_type=JSON, etag=etag)


def reply(request: web.Request, answer: Answer) -> web.Response:
    """304 where a reader has it already (RFC 9110 13.1.2)."""
    headers = {"Cache-Control": "no-store"}
    if answer.etag:
        headers["ETag"] = answer.etag
    if request.method in {"GET", "HEAD"} and answer.etag and has_etag(request, answer.etag):
        return web.Response(status=304, headers=headers)
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def put_session(response: web.Response, token: str | None) -> None:
    """Set the session's cookie, or clear it (RFC 6265bis 4.1.3.2 for `__Host-`)."""
    if token is None:
        response.del_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    else:
        response.set_cookie(
            SESSION_COOKIE, token, path="/", secure=True, httponly=True, samesite="Lax"
        )


def problem(refused: Refused) -> web.Response:
    """A refusal in words."""
    said = ProblemDetails(
        type=f"{DOCS_PATH}#{refused.code}",
        title=refused.code.replace("_", " ").capitalize(),
        status=refused.status,
        detail=refused.message,
        code=refused.code,
        fields=refused.fields,
        alternatives=refused.alternatives,
    )
    headers = {"Cache-Control": "no-store", "Content-Type": PROBLEM_JSON, **_hints(refused)}
    return web.Response(status=refused.status, body=msgspec.json.encode(said), headers=headers)


def _hints(refused: Refused) -> Mapping[str, str]:
    if refused.status == 401:
        return {"WWW-Authenticate": "Bearer"}  # RFC 9110 11.6.1
    if refused.retry_after_s is not None or refused.status in {429, 503}:
        return {"Retry-After": str(refused.retry_after_s or RETRY_AFTER_S)}
    return {}


def has_etag(request: web.Request, etag: str) -> bool:
    """Whether the reader says that they have it already."""
    known = ",".join(request.headers.getall("If-None-Match", []))
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    return "*" in tags or etag in tags

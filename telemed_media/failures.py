"""The one translator of bugs at the HTTP edge: the log gets the frames, the person a number."""

from __future__ import annotations

import logging

import msgspec
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, PayloadEncodingError
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestPayloadError

from clinic_api.http.answering import PROBLEM_JSON as PROBLEM
from clinic_api.http.answering import ProblemDetails
from clinic_api.http.server import API
from telemed_media.logs import new_reference

# Bodies that are no HTTP, too large, or cut off by a client that went away: not our bug.
UNREADABLE = (ConnectionResetError, RequestPayloadError, PayloadEncodingError)


def is_ours(record: logging.LogRecord) -> bool:
    """A filter for aiohttp's logger: malformed requests are answered 400 and fill no log."""
    failure = record.exc_info[1] if record.exc_info else None
    return not isinstance(failure, HttpProcessingError | ConnectionError)


@web.middleware
async def answer_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn an unexpected exception into a 500 with a reference number that is in the log too."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception as failure:  # noqa: BLE001 - the edge
        if request.transport is None or isinstance(failure, UNREADABLE):
            return web.Response(status=400, text="The request could not be read.\n")
        reference = new_reference()
        structlog.get_logger().error(
            "request_failed",
            method=request.method,
            route=_route(request),
            reference=reference,
            exc_info=failure,
        )
        return _answer(request, f"Something went wrong here. Its number is {reference}.")


def _answer(request: web.Request, words: str) -> web.Response:
    """In the API's own form where a program asks."""
    if not request.path.startswith(f"{API}/"):
        return web.Response(status=500, text=f"{words}\n")
    said = ProblemDetails(
        type="about:blank", title="Internal error", status=500, detail=words, code="internal"
    )
    return web.Response(status=500, body=msgspec.json.encode(said), content_type=PROBLEM)


def _route(request: web.Request) -> str:
    """The pattern of the route, never the path: paths hold ids and secrets."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "none"

"""The OpenAPI 3.1 document of the API, made of the routes and the types that check them.

Each operation says who may carry it out, by the table of actions, and every status that it can
answer with, by the table of codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from clinic_api.actions import ACTIONS, Relation
from clinic_api.actor import STAFF
from clinic_api.errors import KINDS
from clinic_api.files.media_types import ACCEPTED
from clinic_api.http.answering import JSON, PROBLEM_JSON, ProblemDetails
from clinic_api.http.authentication import BACKGROUND_HEADER, SESSION_COOKIE
from clinic_api.http.examples import example_of
from clinic_api.http.forms import FILE_FIELD, FORM
from clinic_api.http.reading import KEY_PATTERN, TAG_PATTERN
from clinic_api.http.route import Route
from clinic_api.http.schemas import REFERENCE, Schema, Schemas, schema_of_value

OPENAPI = "3.1.0"
BYTES = "application/octet-stream"
TITLE = "Telemed Media: the clinic"

_PROBLEM_STATUSES = sorted({kind.status for kind in KINDS.values()} - {405})  # of the router
_USERS = STAFF | {"patient"}
_HALF_SIGNED_IN = frozenset({"unfinished", "enrolling"})
_RELATIONS: dict[Relation, str] = {
    "any": "{who}",
    "own": "{who} (the own record, or that of somebody they act for)",
    "self": "{who} (themself)",
    "care": "{who} (of patients whom they treat)",
    "visit": "{who} (of this visit)",
}
_WHO = {
    "participant": "participants of a visit",
    "stranger": "anybody, without signing in",
    "unfinished": "who has shown the password and not yet the code",
    "enrolling": "staff without a second factor",
}
_SECURITY: Schema = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "Set by signing in. What changes something has to come from our own pages "
        f"(Origin). `{BACKGROUND_HEADER}: 1` says that no person did it just now.",
    },
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key that an administrator made for some actions.",
    },
    "participant": {
        "type": "http",
        "scheme": "bearer",
        "description": "What entering by a join link gives to its device.",
    },
}
_INTRODUCTION = (
    "Everything is JSON, but files: these come in a form and leave as they are. Unknown fields "
    "are refused. A row's `version` is in its ETag: send it back as If-Match to change what you "
    "read. A POST with an Idempotency-Key is carried out once. What is refused comes as a problem "
    "(RFC 9457) with a stable `code`."
)


def document(routes: Sequence[Route], version: str) -> Schema:
    """The whole document. Raises ValueError where two operations have one name."""
    names = [operation_id(route) for route in routes]
    twins = {name for name in names if names.count(name) > 1}
    if twins:
        raise ValueError(f"operations called alike: {', '.join(sorted(twins))}")
    bodies = [route.sent for route in routes if route.has_body or route.before_file]
    results = [route.result for route in routes if _is_json(route)]
    schemas = Schemas([ProblemDetails, *bodies, *results])
    schemas.component(ProblemDetails)["properties"]["code"]["enum"] = sorted(KINDS)
    paths: Schema = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": OPENAPI,
        "info": {"title": TITLE, "version": version, "description": _INTRODUCTION},
        "servers": [{"url": "/api/v1"}],
        "tags": [{"name": tag} for tag in sorted({tag_of(route) for route in routes})],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": _SECURITY,
            "responses": {str(status): _problem(status) for status in _PROBLEM_STATUSES},
        },
    }


def operation_id(route: Route) -> str:
    """The name of what runs."""
    return str(route.run.__name__)


def tag_of(route: Route) -> str:
    """What it is about: the first word of its action."""
    return route.action.partition(".")[0]


def who_may(route: Route) -> list[str]:
    """The rows of the action's table, in words."""
    grants = ACTIONS[route.action].grants
    return [
        _RELATIONS[relation].format(who=_WHO.get(name, name))
        for name, relation in grants.items()
        if name != "system"
    ]


def _operation(route: Route, schemas: Schemas) -> Schema:
    rule = ACTIONS[route.action]
    operation: Schema = {
        "operationId": operation_id(route),
        "tags": [tag_of(route)],
        "summary": route.summary,
        "description": f"Action `{route.action}`: {'; '.join(who_may(route))}."
        + (" Needs a fresh second factor." if rule.step_up else ""),
        "security": list(_security(route)),
        "x-action": route.action,
        "parameters": list(_parameters(route)),
        "responses": _responses(route, schemas),
    }
    if route.before_file is not None:
        operation["requestBody"] = {"required": True, "content": {FORM: _form(route, schemas)}}
    elif route.has_body:
        operation["requestBody"] = {
            "required": True,
            "content": {JSON: _content(route.sent, schemas)},
        }
    return operation


def _is_json(route: Route) -> bool:
    return route.result is not None and not (route.gives_file or route.gives_stream)


def _form(route: Route, schemas: Schemas) -> Schema:
    """The fields, and behind them the file (OpenAPI 3.1.0, “Special Considerations for
    multipart”)."""
    fields = schemas.component(route.sent)
    media_types = ", ".join(route.remade.media_types if route.remade else ACCEPTED)
    file = {
        "type": "string",
        "contentMediaType": BYTES,
        "description": f"The last field, with a file name; up to {route.max_body_bytes} bytes. "
        f"What it is is known by its content: {media_types}.",
    }
    return {
        "schema": {
            "type": "object",
            "properties": {**fields.get("properties", {}), FILE_FIELD: file},
            "required": [*fields.get("required", ()), FILE_FIELD],
            "additionalProperties": False,
        },
        "encoding": {FILE_FIELD: {"contentType": media_types}},
    }


def _content(kind: Any, schemas: Schemas) -> Schema:
    example = example_of(kind)
    return {"schema": schemas.of(kind)} | ({} if example is None else {"example": example})


def _security(route: Route) -> Iterator[Schema]:
    grants = ACTIONS[route.action].grants.keys()
    if grants & (_USERS | _HALF_SIGNED_IN):
        yield {"session": []}
    if grants & _USERS:
        yield {"apiKey": []}
    if "participant" in grants:
        yield {"participant": []}
    if "stranger" in grants:
        yield {}


def _parameters(route: Route) -> Iterator[Schema]:
    for field in msgspec.structs.fields(route.command):
        if field.name in route.path_fields:
            yield _parameter("path", field.name, field.type, required=True)
    if not route.has_body and route.before_file is None:
        for field in msgspec.structs.fields(route.sent):
            yield _parameter("query", field.name, field.type, required=field.required)
    if route.needs_version:
        yield _header("If-Match", "The ETag of what you read.", required=True) | {
            "schema": {"type": "string", "pattern": TAG_PATTERN, "examples": ['"1"']}
        }
    if route.takes_key:
        yield _header("Idempotency-Key", "Carries the request out once, within a day.") | {
            "schema": {"type": "string", "pattern": KEY_PATTERN}
        }
    if _has_version(route.result) and route.method == "GET":
        yield _header("If-None-Match", "Answers 304 where it is still the same.")


def _parameter(place: str, name: str, kind: Any, *, required: bool) -> Schema:
    return {"in": place, "name": name, "required": required, "schema": schema_of_value(kind)}


def _header(name: str, description: str, *, required: bool = False) -> Schema:
    return {
        "in": "header",
        "name": name,
        "required": required,
        "description": description,
        "schema": {"type": "string"},
    }


def _responses(route: Route, schemas: Schemas) -> Schema:
    success: Schema = {"description": HTTPStatus(route.status).phrase}
    if _is_json(route):
        success["content"] = {JSON: _content(route.result, schemas)}
    answers: Schema = {str(route.status): success}
    if route.gives_file:
        success["content"] = {media_type: {} for media_type in ACCEPTED}
        success["headers"] = {
            "ETag": {"schema": {"type": "string"}},
            "Content-Disposition": {"schema": {"type": "string"}},
        }
        answers["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
    if route.gives_stream:
        success["content"] = {route.media_type: {}}
        success["headers"] = {"Content-Disposition": {"schema": {"type": "string"}}}
    if _has_version(route.result):
        success["headers"] = {"ETag": {"schema": {"type": "string"}}}
        if route.method == "GET":
            answers["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
    for status in _statuses(route):
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return answers


def _statuses(route: Route) -> Iterable[int]:
    """Every status by which it may refuse."""
    impossible = set() if route.needs_version else {412, 428}
    if not route.has_body and route.before_file is None:
        impossible |= {413, 415}
    if route.before_file is None:
        impossible |= {408, 411}
    return [status for status in _PROBLEM_STATUSES if status not in impossible]


def _problem(status: int) -> Schema:
    codes = [code for code, kind in KINDS.items() if kind.status == status]
    said = "; ".join(f"`{code}`: {KINDS[code].message}" for code in codes)
    reference = {"$ref": REFERENCE.format(name=ProblemDetails.__name__)}
    return {"description": said, "content": {PROBLEM_JSON: {"schema": reference}}}


def _has_version(kind: Any) -> bool:
    return isinstance(kind, type) and "version" in getattr(kind, "__struct_fields__", ())

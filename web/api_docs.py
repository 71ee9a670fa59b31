"""The page that describes the HTTP API for people: `/docs/api`, made of its OpenAPI document.

Plain HTML, rendered once: no script reads the document in the browser.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from clinic_api.errors import KINDS
from clinic_api.http.answering import DOCS_PATH

Document = dict[str, Any]  # OpenAPI 3.1


class Kind(msgspec.Struct, frozen=True):
    """A type in words; `ref` is the name of a type described further down, "" for others."""

    text: str
    ref: str = ""


class Field(msgspec.Struct, frozen=True):
    """One line of a table."""

    name: str
    place: str  # path, query, header, body; "" inside of a type
    kinds: tuple[Kind, ...]
    required: bool
    note: str


class Operation(msgspec.Struct, frozen=True):
    """One method of one address."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    security: str
    fields: tuple[Field, ...]
    answers: str
    result: tuple[Kind, ...]
    example: str
    statuses: str


class Type(msgspec.Struct, frozen=True):
    """A type that operations take or give."""

    name: str
    description: str
    fields: tuple[Field, ...]


class Tag(msgspec.Struct, frozen=True):
    """Operations about one thing."""

    name: str
    operations: tuple[Operation, ...]


def add_api_docs(app: web.Application, document: Document) -> None:
    """Adds the page. Raises KeyError for a document that is not the API's."""
    html = rendered(document)

    async def show(_request: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-cache"}
        return web.Response(text=html, content_type="text/html", charset="utf-8", headers=headers)

    app.router.add_get(DOCS_PATH, show)


def rendered(document: Document) -> str:
    """The whole page."""
    templates = Environment(loader=PackageLoader("web"), autoescape=True, undefined=StrictUndefined)
    return templates.get_template("api_docs.html").render(
        title=document["info"]["title"],
        introduction=document["info"]["description"],
        base=document["servers"][0]["url"],
        tags=_tags(document),
        types=_types(document),
        codes=KINDS,
    )


def _tags(document: Document) -> list[Tag]:
    operations = list(_operations(document))
    names = [str(tag["name"]) for tag in document["tags"]]
    return [Tag(name, tuple(each for tag, each in operations if tag == name)) for name in names]


def _operations(document: Document) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            status, answer = next(iter(said["responses"].items()))
            content: Document = next(iter(answer.get("content", {}).values()), {})
            yield (
                said["tags"][0],
                Operation(
                    name=said["operationId"],
                    method=method.upper(),
                    path=path,
                    summary=said["summary"],
                    description=said["description"],
                    security=" or ".join(next(iter(each), "nothing") for each in said["security"]),
                    fields=tuple(_fields(said, document)),
                    answers=f"{status} {answer['description']}",
                    result=_kinds(content.get("schema", {})),
                    example=_shown(content.get("example")),
                    statuses=", ".join(list(said["responses"])[1:]),
                ),
            )


def _fields(said: Document, document: Document) -> Iterator[Field]:
    for each in said["parameters"]:
        kinds, note = _kinds(each["schema"]), each.get("description") or _note(each["schema"])
        yield Field(each["name"], each["in"], kinds, each["required"], note)
    body = said.get("requestBody", {}).get("content", {})
    for content in body.values():
        schema = content["schema"]  # of a form with a file it stands at its operation
        known = document["components"]["schemas"][_ref(schema)] if "$ref" in schema else schema
        yield from _inside(known, "body")


def _types(document: Document) -> list[Type]:
    """All but bodies, whose fields are at their operations."""
    bodies = {
        _ref(content["schema"])
        for methods in document["paths"].values()
        for said in methods.values()
        for content in said.get("requestBody", {}).get("content", {}).values()
        if "$ref" in content["schema"]
    }
    return [
        Type(name, schema.get("description", ""), tuple(_inside(schema, "")))
        for name, schema in sorted(document["components"]["schemas"].items())
        if name not in bodies
    ]


def _inside(schema: Document, place: str) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        yield Field(name, place, _kinds(inner), name in required, _note(inner))


def _kinds(schema: Document) -> tuple[Kind, ...]:
    """Every type that fits."""
    if "$ref" in schema:
        return (Kind(_ref(schema), _ref(schema)),)
    if "anyOf" in schema:
        return tuple(kind for each in schema["anyOf"] for kind in _kinds(each))
    if "enum" in schema:
        return (Kind(" | ".join(str(each) for each in schema["enum"])),)
    if schema.get("type") == "array":
        return tuple(Kind(f"list of {one.text}", one.ref) for one in _kinds(schema["items"]))
    if not schema:
        return ()
    return (Kind(str(schema.get("format") or schema.get("type") or schema.get("const", "any"))),)


_NOTES = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "as in {}",
}


def _note(schema: Document) -> str:
    said = [words.format(schema[name]) for name, words in _NOTES.items() if name in schema]
    if schema.get("default") not in (None, "", [], {}):
        said.append(f"{json.dumps(schema['default'])} if left out")
    return ", ".join(said)


def _shown(example: Any) -> str:
    return "" if example is None else json.dumps(example, indent=2, ensure_ascii=False)


def _ref(schema: Document) -> str:
    return str(schema["$ref"]).rpartition("/")[2]

"""The API's description: valid by OpenAPI's own schema, whole, and true."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31  # as published by the OpenAPI project

import clinic_api
from clinic_api import api
from clinic_api.actions import ACTIONS
from clinic_api.data_classes import CLASSES
from clinic_api.errors import KINDS
from clinic_api.http.openapi import document, operation_id
from clinic_api.http.route import Route
from tests.clinic_api.http import samples

DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(api.description()))
COMPONENTS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    return found


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(node, dict):
        yield node
        for each in node.values():
            yield from nodes(each)
    elif isinstance(node, list):
        for each in node:
            yield from nodes(each)


def test_it_is_valid_by_the_official_schema() -> None:
    validator = jsonschema_rs.Draft202012Validator(OPENAPI_31)
    assert [error.message for error in validator.iter_errors(DOCUMENT)] == []


def test_every_reference_leads_somewhere() -> None:
    references = {str(node["$ref"]) for node in nodes(DOCUMENT) if "$ref" in node}
    assert references
    for reference in references:
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_feature_that_has_routes_is_collected() -> None:
    collected = {id(route) for route in api.ROUTES}
    for found in pkgutil.walk_packages(clinic_api.__path__, "clinic_api."):
        if not found.name.endswith((".__main__", ".env")):  # programs
            module = importlib.import_module(found.name)
            assert {id(route) for route in getattr(module, "ROUTES", ())} <= collected, found.name


@pytest.mark.parametrize("route", api.ROUTES, ids=repr)
def test_each_operation_says_who_may(route: Route) -> None:
    said, grants = operation(route), ACTIONS[route.action].grants
    assert said["x-action"] == route.action
    assert ({} in said["security"]) == ("stranger" in grants)
    assert ({"participant": []} in said["security"]) == ("participant" in grants)
    assert said["security"]
    assert said["summary"]


def body_of(content: dict[str, Any]) -> dict[str, Any]:
    """The schema of a form, or of JSON by its reference."""
    if "multipart/form-data" in content:
        form: dict[str, Any] = content["multipart/form-data"]["schema"]
        return form
    reference = content["application/json"]["schema"]["$ref"]
    found: dict[str, Any] = COMPONENTS[reference.rpartition("/")[2]]
    return found


@pytest.mark.parametrize("route", api.ROUTES, ids=repr)
def test_each_operation_takes_what_its_command_has(route: Route) -> None:
    said = operation(route)
    named = {(each["in"], each["name"]) for each in said["parameters"]}
    assert {name for place, name in named if place == "path"} == set(route.path_fields)
    assert (("header", "If-Match") in named) == ("version" in route.command.__struct_fields__)
    inside = {name for place, name in named if place == "query"}
    if "requestBody" in said:
        body = body_of(said["requestBody"]["content"])
        assert body["additionalProperties"] is False
        inside = set(body["properties"]) - {"file"}
        assert ("file" in body["properties"]) == (route.before_file is not None)
    expected = set(route.command.__struct_fields__) - set(route.path_fields) - {"version"}
    assert inside == expected


def test_every_example_fits_its_schema() -> None:
    contents = [node for node in nodes(DOCUMENT["paths"]) if "example" in node and "schema" in node]
    assert len(contents) > len(api.ROUTES)
    for content in contents:
        schema = content["schema"] | {"components": DOCUMENT["components"]}
        jsonschema_rs.Draft202012Validator(schema).validate(content["example"])


def test_every_time_says_that_it_is_one() -> None:
    entry = COMPONENTS["AuditEntry"]["properties"]
    assert entry["at"] == {"type": "string", "format": "date-time"}


def test_every_code_is_explained() -> None:
    said = " ".join(each["description"] for each in DOCUMENT["components"]["responses"].values())
    missing = [code for code in KINDS if f"`{code}`" not in said]
    assert missing == ["no_such_method"]  # no operation answers with it
    assert set(COMPONENTS["ProblemDetails"]["properties"]["code"]["enum"]) == set(KINDS)


def test_two_operations_have_two_names() -> None:
    twice = (*samples.ROUTES, samples.ROUTES[0])
    with pytest.raises(ValueError, match=operation_id(samples.ROUTES[0])):
        document(twice, "1")


def test_nothing_that_is_sealed_travels_in_an_address() -> None:
    sealed = {
        column
        for columns in CLASSES.values()
        for column, kind in columns.items()
        if kind == "sealed"
    }
    assert {"text", "reason"} <= sealed
    for route in api.ROUTES:
        queried = () if route.has_body else route.sent.__struct_fields__
        if route.path != "/walk-ins/{address}":  # a practitioner's public name, no postal address
            assert not sealed & {*route.path_fields, *queried}, route

"""JSON Schemas (2020-12) of the Structs that the API takes and gives, as OpenAPI components.

msgspec makes them; added is what the reader of requests demands beyond the types: no unknown field
anywhere, and a zone with every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, get_args, get_origin

import msgspec

Schema = dict[str, Any]  # a JSON document in the making; nothing but the OpenAPI document has it
REFERENCE = "#/components/schemas/{name}"


class Schemas:
    """The schemas of some types, and the components that they refer to by name."""

    def __init__(self, types: Iterable[Any]) -> None:
        wanted = list(dict.fromkeys(types))
        schemas, components = msgspec.json.schema_components(wanted, ref_template=REFERENCE)
        self.components: dict[str, Schema] = components
        self._by_type: dict[Any, Schema] = dict(zip(wanted, schemas, strict=True))
        for component in components.values():
            if "properties" in component:
                component["additionalProperties"] = False
        for struct in _structs(wanted, set()):
            _mark_times(struct, components)

    def of(self, kind: Any) -> Schema:
        """Raises KeyError for a type that was not among them."""
        return self._by_type[kind]

    def component(self, kind: Any) -> Schema:
        """What `of` refers to. Raises KeyError."""
        return self.components[_name_of(self.of(kind))]


def schema_of_value(kind: Any) -> Schema:
    """The schema of a single value, such as a parameter's."""
    schema: Schema = msgspec.json.schema(kind)
    if _is_time(kind):
        _mark_time(schema)
    return schema


def _structs(kinds: Iterable[Any], seen: set[Any]) -> Iterator[Any]:
    """Every Struct in these types, parametrised ones as they stand."""
    for kind in kinds:
        origin = get_origin(kind) or kind
        if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
            if kind not in seen:
                seen.add(kind)
                yield kind
                yield from _structs((field.type for field in msgspec.structs.fields(kind)), seen)
        else:
            yield from _structs((one for one in get_args(kind) if one is not ...), seen)


def _mark_times(struct: Any, components: dict[str, Schema]) -> None:
    [schema], _ = msgspec.json.schema_components([struct], ref_template=REFERENCE)
    for field in msgspec.structs.fields(struct):
        if _is_time(field.type):
            _mark_time(components[_name_of(schema)]["properties"][field.encode_name])


def _is_time(kind: Any) -> bool:
    return kind is datetime or datetime in get_args(kind)


def _mark_time(schema: Schema) -> None:
    for branch in (schema, *schema.get("anyOf", ())):
        if branch.get("type") == "string":
            branch["format"] = "date-time"


def _name_of(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]

"""HTML forms: the fields of one Struct, read strictly, every field's error at once.

The Struct's fields are strings, numbers, booleans (check boxes) or enumerations, constrained by
`msgspec.Meta`; `Meta(title=…)` is the label, `Meta(extra={"wrong": …})` the sentence for a value
that does not fit. What was typed comes back with the errors, so that nobody types twice; fields
whose name says secret (password, code) do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec
from aiohttp import web

MAX_FORM_BYTES = 32 * 1024
MAX_VALUE_CHARS = 4000
SECRET = ("password", "code", "token", "csrf")

T = TypeVar("T")


class Form(msgspec.Struct, Generic[T], frozen=True):
    """What was sent: `value` where everything is right, else `errors` by field."""

    sent: dict[str, str]
    value: T | None = None
    errors: dict[str, str] = {}

    def shown(self, name: str) -> str:
        """What the field shows again."""
        return "" if is_secret(name) else self.sent.get(name, "")

    @property
    def first_wrong(self) -> str:
        """The first of the fields that are wrong, where the page begins again; "" for none."""
        return next((name for name in self.sent if name in self.errors), "")


async def read_form(request: web.Request, kind: type[T]) -> Form[T]:
    """A posted form. Raises what `posted_fields` does."""
    return parse(await posted_fields(request), kind)


async def posted_fields(request: web.Request) -> dict[str, str]:
    """All that was posted, by name; a second time the same.

    Raises HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType, HTTPBadRequest.
    """
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType
    if (request.content_length or 0) > MAX_FORM_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_FORM_BYTES, request.content_length or 0)
    try:
        posted = await request.post()
    except (UnicodeDecodeError, LookupError):  # bytes or a charset that nobody knows
        raise web.HTTPBadRequest from None
    return {name: value for name, value in posted.items() if isinstance(value, str)}


def is_secret(name: str) -> bool:
    """Whether the field's value is never shown again."""
    return any(word in name for word in SECRET)


def parse(sent: Mapping[str, str], kind: type[T]) -> Form[T]:
    """The same from a mapping; unknown fields are ignored, as browsers add some."""
    kept: dict[str, str] = {}
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in msgspec.structs.fields(kind):  # type: ignore[arg-type]
        text = sent.get(field.name, "")[: MAX_VALUE_CHARS + 1]
        text = text if "password" in field.name else text.strip()
        kept[field.name] = text
        if not text and not field.required:
            continue
        try:
            values[field.name] = _convert(text, field.type)
        except msgspec.ValidationError:
            errors[field.name] = _wrong(field.type) if text else "Please fill this in."
    if errors:
        return Form(kept, errors=errors)
    return Form(kept, value=kind(**values))


def failed(form: Form[T], errors: Mapping[str, str]) -> Form[T]:
    """The same form with what a service found wrong."""
    return Form(form.sent, errors=dict(errors))


def _convert(text: str, annotated: Any) -> Any:
    if not text and _base(annotated) is str:
        raise msgspec.ValidationError("empty")
    if _base(annotated) is bool:
        return text in {"on", "true", "1"}
    return msgspec.convert(text, annotated, strict=False)


def _base(annotated: Any) -> Any:
    return get_args(annotated)[0] if get_origin(annotated) is not None else annotated


def _wrong(annotated: Any) -> str:
    for meta in getattr(annotated, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta) and meta.extra and "wrong" in meta.extra:
            return str(meta.extra["wrong"])
    return "This does not fit here."

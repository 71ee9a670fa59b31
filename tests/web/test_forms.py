"""Forms: every field's error at once, nothing typed twice, no secret shown again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from msgspec import Meta

from web.forms import Form, failed, parse, read_form


class Visit(msgspec.Struct, frozen=True):
    """A form as pages have them."""

    name: Annotated[str, Meta(max_length=10, extra={"wrong": "At most 10 characters."})]
    password: Annotated[str, Meta(min_length=8)]
    modality: Literal["video", "audio"] = "video"
    minutes: Annotated[int, Meta(ge=5)] = 15
    reminded: bool = False


RIGHT = {"name": " Alice ", "password": " secret word", "minutes": "20", "reminded": "on"}


def test_a_right_form_becomes_its_type() -> None:
    form = parse(RIGHT, Visit)
    assert form.value == Visit("Alice", " secret word", "video", 20, True)
    assert form.errors == {}


def test_every_wrong_field_is_told_at_once() -> None:
    sent = {"name": "x" * 11, "password": "", "modality": "smoke", "minutes": "two"}
    form = parse(sent, Visit)
    assert form.value is None
    assert set(form.errors) == {"name", "password", "modality", "minutes"}
    assert form.errors["name"] == "At most 10 characters."
    assert form.errors["password"] == "Please fill this in."


def test_what_was_typed_is_shown_again_but_no_secret() -> None:
    form = parse(RIGHT | {"minutes": "two"}, Visit)
    assert form.shown("minutes") == "two"
    assert form.shown("name") == "Alice"
    assert form.shown("password") == ""


def test_a_services_errors_stand_beside_their_fields() -> None:
    form: Form[Visit] = failed(parse(RIGHT, Visit), {"name": "This name is taken."})
    assert form.value is None
    assert form.errors == {"name": "This name is taken."}
    assert form.shown("name") == "Alice"


def test_unknown_fields_are_ignored_and_long_values_cut_before_they_are_read() -> None:
    form = parse(RIGHT | {"unknown": "x", "name": "x" * 100_000}, Visit)
    assert len(form.sent["name"]) < 5000
    assert "unknown" not in form.sent


@pytest.mark.parametrize(
    ("charset", "body"),
    [("utf-8", b"name=\xff\xfe&password=\xed\xa0\x80"), ("foo", b"name=Alice")],
)
async def test_a_form_that_is_no_text_is_refused(
    aiohttp_client: Callable[..., Awaitable[TestClient[web.Request, web.Application]]],
    charset: str,
    body: bytes,
) -> None:
    async def receive(request: web.Request) -> web.Response:
        await read_form(request, Visit)
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    client = await aiohttp_client(app)
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    answer = await client.post("/", data=body, headers={"Content-Type": kind})
    assert answer.status == 400

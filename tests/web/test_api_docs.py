"""The page about the API: every operation, every code, and nothing that the policy forbids."""

from __future__ import annotations

import re
from collections import Counter

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from clinic_api import api
from clinic_api.errors import KINDS, Refused
from clinic_api.http.answering import problem
from clinic_api.http.openapi import operation_id
from web.api_docs import add_api_docs, rendered
from web.headers import security_headers

HTML = rendered(api.description())
IDS = re.findall(r'\bid="([^"]+)"', HTML)


def test_every_operation_and_code_has_its_place() -> None:
    assert {operation_id(route) for route in api.ROUTES} <= set(IDS)
    assert set(KINDS) <= set(IDS)
    assert [name for name, times in Counter(IDS).items() if times > 1] == []


def test_every_link_inside_leads_somewhere() -> None:
    inside = set(re.findall(r'href="#([^"]+)"', HTML))
    assert inside
    assert inside <= set(IDS)


def test_the_page_has_no_script_and_no_style_of_its_own() -> None:
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|https?://", HTML)


def test_no_two_regions_have_the_same_name() -> None:
    named = re.findall(r'aria-label="([^"]+)"', HTML)
    assert [name for name, times in Counter(named).items() if times > 1] == []
    assert "Fields of POST /sign-in" in named


async def test_a_problem_names_its_place_on_the_page() -> None:
    app = web.Application(middlewares=[security_headers])
    add_api_docs(app, api.description())
    said = problem(Refused("stale")).body
    assert b'"type":"/docs/api#stale"' in bytes(said)  # type: ignore[arg-type]
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/docs/api")
        assert answer.status == 200
        assert 'id="stale"' in await answer.text()
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]

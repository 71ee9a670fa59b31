"""Documents over HTTP: in by a form, sealed on disk, out as an attachment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clinic_api.files.samples import TAKEN, pdf
from tests.clinic_api.records.cast import Desk, on_disk

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")


async def test_what_alice_brings_is_read_by_bob_and_by_her(desk: Desk, folder: Path) -> None:
    data = pdf(300_000)
    answer = await desk.add("alice", data, "My “letter”.pdf", kind="letter", title="From Lyon")
    assert answer.status == 201
    document = await answer.json()
    assert document["title"] == "From Lyon"
    assert document["side"] == "patient"
    assert document["file"] == {
        "name": "My “letter”.pdf",
        "media_type": "application/pdf",
        "size": len(data),
        "state": "received",
        "finding": "",
    }
    for who in ("alice", "bob"):
        assert await desk.listed(who) == [document["id"]]
        got = await desk.file(who, document["id"])
        assert (got.status, got.content_type) == (200, "application/pdf")
        assert got.headers["Content-Disposition"] == (
            'attachment; filename="My _letter_.pdf"; '
            "filename*=UTF-8''My%20%E2%80%9Cletter%E2%80%9D.pdf"
        )
        assert got.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Cache-Control"] == "no-store"
        assert await got.read() == data
    (path,) = on_disk(folder)
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"fill" not in path.read_bytes()


@pytest.mark.parametrize("name", TAKEN)
async def test_each_kind_comes_out_as_what_it_is(desk: Desk, name: str) -> None:
    media_type, data = TAKEN[name]
    document = await (await desk.add("alice", data, "x")).json()
    assert document["file"]["media_type"] in {media_type, "text/plain"}
    got = await desk.file("bob", document["id"])
    assert await got.read() == data
    named = await (await desk.add("alice", data, name)).json()
    assert (named["file"]["media_type"], named["file"]["name"]) == (media_type, name)

"""A profile over HTTP: Bob sends his photo, strangers get it without what his phone wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.profile_routes import ROUTES
from clinic_api.directory.relations import of_user
from clinic_api.http.server import API, add_api_routes
from clinic_api.opening import Place
from clinic_api.visits.joining import participant_actor
from tests.clinic_api.files.samples import pdf, png
from tests.clinic_api.files.test_pictures import JFIF, PLACE, exif, jpeg
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import World, a_clinic
from tests.clinic_api.records.cast import code_of, form, on_disk

PUBLIC = f"{API}/practitioners/public"

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")


@pytest.fixture
async def client(sqlite_database: Database) -> AsyncIterator[Client]:
    app = bare_app()
    authenticate = authenticator(sqlite_database, of_user, participant_actor)
    add_api_routes(app, sqlite_database, authenticate, ROUTES, UNLIMITED)
    async with TestClient(TestServer(app)) as each:
        yield each


@pytest.fixture
async def world(client: Client, sqlite_database: Database) -> World:
    return await a_clinic(sqlite_database, f"http://{client.host}:{client.port}")


async def test_a_stranger_sees_the_photo_without_where_it_was_taken(
    client: Client, world: World
) -> None:
    headers = world.people["bob"].headers
    profile = f"{API}/practitioners/{world.ids['practitioner_id']}/profile"
    body = form(jpeg(JFIF, exif(1)), "me.jpg")
    answer = await client.post(f"{profile}/photo", data=body, headers=headers)
    assert answer.status == 200, await answer.text()
    etag = answer.headers["ETag"]
    assert (await client.get(f"{PUBLIC}/bob/photo")).status == 404
    public = {"public": True, "specialties": ["Hearts"], "languages": ["en"]}
    changed = await client.put(profile, json=public, headers={**headers, "If-Match": etag})
    assert changed.status == 200, await changed.text()
    listed = await (await client.get(PUBLIC, params={"specialty": "heart"})).json()
    assert [each["address"] for each in listed["items"]] == ["bob"]
    photo = await client.get(f"{PUBLIC}/bob/photo")
    assert (photo.status, photo.content_type) == (200, "image/jpeg")
    data = await photo.read()
    assert data == jpeg(JFIF)
    assert PLACE not in data


@pytest.mark.parametrize(
    ("data", "code"),
    [(pdf(), "file_refused"), (png()[:-4], "file_refused"), (bytes(2 << 20) + b"1", "too_large")],
)
async def test_what_is_no_small_picture_is_refused_and_leaves_nothing(
    client: Client, world: World, sqlite_place: Place, data: bytes, code: str
) -> None:
    path = f"{API}/practitioners/{world.ids['practitioner_id']}/profile/photo"
    answer = await client.post(path, data=form(data, "me.png"), headers=world.people["bob"].headers)
    assert await code_of(answer) == code
    assert on_disk(sqlite_place.keys.parent) == []

"""The shell of the API: the order of its checks, and how it speaks HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse
from multidict import CIMultiDict

from clinic_api.audit.store import AUDIT
from clinic_api.db import Database
from clinic_api.http.doors import Rates
from clinic_api.http.rate import Rate
from clinic_api.ids import new_id
from tests.clinic_api.conftest import PUBLIC_URL, Clock
from tests.clinic_api.http.cast import Client, bearer
from tests.clinic_api.http.conftest import CERTIFIED
from tests.clinic_api.http.samples import Counter

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")

ALICE = {"name": "Alice Example", "birth_date": "1980-05-17", "emails": ["alice@example.org"]}
GARBAGE = b"\xff{not json"


async def alice(client: Client) -> tuple[str, str]:
    """Alice's record, made by Carol: its id and ETag."""
    answer = await client.post("/api/v1/patients", json=ALICE, headers=bearer("carol"))
    assert answer.status == 201, await answer.text()
    return str((await answer.json())["id"]), answer.headers["ETag"]


async def problem(answer: ClientResponse, status: int, code: str) -> dict[str, Any]:
    said = await answer.json(content_type="application/problem+json")
    assert (answer.status, said["status"], said["code"]) == (status, status, code), said
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(said)


async def refusals(database: Database) -> list[tuple[str, str, str]]:
    """What the audit has of refused attempts: who, action, code."""
    rows = await database.read(
        lambda tx: tx.all(
            sa.select(AUDIT.c.actor_id, AUDIT.c.action, AUDIT.c.detail).where(
                AUDIT.c.outcome == "refused"
            )
        )
    )
    return [(row.actor_id, row.action, str(row.detail)) for row in rows]


async def test_what_was_made_can_be_read_with_its_version(client: Client) -> None:
    patient_id, etag = await alice(client)
    answer = await client.get(f"/api/v1/patients/{patient_id}", headers=bearer("carol"))
    assert answer.status == 200
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["ETag"] == etag
    assert etag.startswith('"1.')
    assert (await answer.json())["details"]["birth_date"] == "1980-05-17"


async def test_a_reader_who_has_it_already_gets_304_without_a_body(client: Client) -> None:
    patient_id, etag = await alice(client)
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        headers = bearer("carol", If_None_Match=known)
        answer = await client.get(f"/api/v1/patients/{patient_id}", headers=headers)
        assert (answer.status, await answer.read()) == (304, b"")
        assert answer.headers["ETag"] == etag
    headers = bearer("carol", If_None_Match='"1"')
    assert (await client.get(f"/api/v1/patients/{patient_id}", headers=headers)).status == 200


async def test_head_answers_like_get_without_a_body(client: Client) -> None:
    patient_id, etag = await alice(client)
    answer = await client.head(f"/api/v1/patients/{patient_id}", headers=bearer("carol"))
    assert (answer.status, answer.headers["ETag"], await answer.read()) == (200, etag, b"")


@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [
        (None, 428, "match_needed"),
        ("*", 428, "match_needed"),
        (" , ", 428, "match_needed"),
        ('W/"1", "7", x', 412, "stale"),
        ('W/"1"', 412, "stale"),
        ('"7"', 412, "stale"),
        ('"x"', 412, "stale"),
        ('"99999999999999999999"', 412, "stale"),
    ],
)
async def test_a_change_names_the_one_version_that_was_read(
    client: Client, tag: str | None, status: int, code: str
) -> None:
    patient_id, _ = await alice(client)
    headers = bearer("carol") if tag is None else bearer("carol", If_Match=tag)
    answer = await client.put(f"/api/v1/patients/{patient_id}", json=ALICE, headers=headers)
    await problem(answer, status, code)


@pytest.mark.parametrize("tags", ['"7", "1"', '"1","x", W/"3"', '"1.ab" , "2", "1"'])
async def test_one_of_several_versions_may_be_the_present_one(client: Client, tags: str) -> None:
    patient_id, _ = await alice(client)
    address, headers = f"/api/v1/patients/{patient_id}", bearer("carol", If_Match=tags)
    answer = await client.put(address, json={**ALICE, "language": "fr"}, headers=headers)
    assert (answer.status, answer.headers["ETag"][:3]) == (200, '"2.')


async def test_the_second_of_two_changes_of_one_version_is_stale(client: Client) -> None:
    patient_id, etag = await alice(client)
    headers = bearer("carol", If_Match=etag)
    address = f"/api/v1/patients/{patient_id}"
    first = await client.put(address, json={**ALICE, "language": "fr"}, headers=headers)
    assert (first.status, first.headers["ETag"][:3]) == (200, '"2.')
    await problem(await client.put(address, json=ALICE, headers=headers), 412, "stale")


async def test_every_wrong_field_is_told_at_once(client: Client) -> None:
    body = {
        "birth_date": "yesterday",
        "phones": ["+33199000123", 7],
        "address": {"city": 5, "planet": "Mars"},
        "nickname": "Al",
    }
    answer = await client.post("/api/v1/patients", json=body, headers=bearer("carol"))
    said = await problem(answer, 422, "invalid")
    assert set(said["fields"]) == {
        "name", "birth_date", "phones[1]", "address.city", "address.planet", "nickname",
    }  # fmt: skip
    assert said["fields"]["nickname"] == "There is no such field."
    assert said["fields"]["name"] == "Please give this."


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b'{"name": "Alice"}', "text/plain", 415, "not_json"),
        (b"name=Alice", "application/x-www-form-urlencoded", 415, "not_json"),
        (b"", "application/json", 422, "invalid"),
        (GARBAGE, "application/json", 422, "invalid"),
        (b"[]", "application/json", 422, "invalid"),
        (b"[" * 50_000, "application/json", 422, "invalid"),
        (b'{"name": "A", "name": "B"}', "application/json", 422, "invalid"),
        (b'{"name": "\\u0000"}', "application/json", 422, "invalid"),
        (b'{"name": "\\ud800"}', "application/json", 422, "invalid"),
        (b'{"name": "A", "sex": 1' + b"0" * 6000 + b"}", "application/json", 422, "invalid"),
        (b'{"name": "' + b"a" * 70_000 + b'"}', "application/json", 413, "too_large"),
    ],
)
async def test_a_body_that_is_not_as_it_should_be_is_refused(
    client: Client, body: bytes, content_type: str, status: int, code: str
) -> None:
    headers = bearer("carol", Content_Type=content_type)
    answer = await client.post("/api/v1/patients", data=body, headers=headers)
    await problem(answer, status, code)


async def test_a_large_body_without_a_length_is_cut_off_too(client: Client) -> None:
    async def pieces() -> Any:
        for _ in range(70):
            yield b" " * 1024

    headers = bearer("carol", Content_Type="application/json")
    answer = await client.post("/api/v1/patients", data=pieces(), headers=headers)
    await problem(answer, 413, "too_large")


async def test_a_query_is_as_strict_as_a_body(client: Client) -> None:
    for query, field in (("limit=x", "limit"), ("limit=0", "limit"), ("limit=1&limit=2", "limit"),
                         ("size=3", "size"), ("text=%00", "text")):  # fmt: skip
        answer = await client.get(f"/api/v1/patients?{query}", headers=bearer("carol"))
        said = await problem(answer, 422, "invalid")
        assert list(said["fields"]) == [field]


async def test_an_id_that_is_none_is_as_unknown_as_any_other(
    client: Client, sqlite_database: Database
) -> None:
    for patient_id in ("x" * 200, "%00", "not-an-id", new_id(sqlite_database.now())):
        answer = await client.get(f"/api/v1/patients/{patient_id}", headers=bearer("carol"))
        await problem(answer, 404, "not_found")
    tried = await refusals(sqlite_database)
    assert [(who, action) for who, action, _ in tried] == [("carol", "patient.read")] * 4


async def test_unknown_addresses_and_methods_are_problems_too(client: Client) -> None:
    await problem(await client.get("/api/v1/nowhere"), 404, "not_found")
    answer = await client.patch("/api/v1/patients")
    await problem(answer, 405, "no_such_method")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


async def test_sign_in_and_permission_come_before_all_else(
    client: Client, sqlite_database: Database
) -> None:
    wrong = {"Content-Type": "text/plain", "If-Match": "x", "Idempotency-Key": "a b"}
    for method, path in (("POST", "/patients"), ("PUT", "/patients/x"), ("GET", "/patients?a=b")):
        answer = await client.request(method, f"/api/v1{path}", data=GARBAGE, headers=wrong)
        await problem(answer, 401, "sign_in_needed")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    headers = bearer("charlie") | wrong
    await problem(
        await client.post("/api/v1/patients", data=GARBAGE, headers=headers), 403, "not_allowed"
    )
    assert ("charlie", "patient.create") in [
        (who, what) for who, what, _ in await refusals(sqlite_database)
    ]
    headers = bearer("carol", Idempotency_Key="a b")
    answer = await client.put("/api/v1/patients/x", data=GARBAGE, headers=headers)
    await problem(answer, 428, "match_needed")
    answer = await client.post("/api/v1/patients", data=GARBAGE, headers=headers)
    assert list((await problem(answer, 422, "invalid"))["fields"]) == ["Idempotency-Key"]


async def test_a_token_that_is_none_is_refused_where_strangers_may_too(client: Client) -> None:
    for header in ("Bearer nobody", "Bearer", "Basic Ym9iOg=="):
        answer = await client.get("/api/v1/organisation", headers={"Authorization": header})
        await problem(answer, 401, "sign_in_needed")
    assert (await client.get("/api/v1/organisation")).status == 200


@pytest.mark.parametrize(
    ("origin", "site", "status"),
    [
        (None, None, 403),
        ("https://evil.example", None, 403),
        ("null", None, 403),
        ("own", "cross-site", 403),
        ("own", "same-site", 403),
        ("own", None, 201),
        ("own", "same-origin", 201),
    ],
)
async def test_what_changes_by_cookie_comes_from_our_own_pages(
    client: Client, origin: str | None, site: str | None, status: int
) -> None:
    headers = {"Cookie": "__Host-session=carol"}
    if origin is not None:
        own = f"http://{client.host}:{client.port}"
        headers["Origin"] = own if origin == "own" else origin
    if site is not None:
        headers["Sec-Fetch-Site"] = site
    answer = await client.post("/api/v1/patients", json=ALICE, headers=headers)
    assert answer.status == status, await answer.text()


@pytest.mark.parametrize(
    ("host", "origins", "status"),
    [
        ("evil.example", ["http://evil.example"], 403),  # the Host header is anybody's word
        ("evil.example", ["https://evil.example"], 403),
        ("call.clinic.example", ["http://call.clinic.example"], 403),  # the other scheme
        ("call.clinic.example", [PUBLIC_URL + ":8443"], 403),
        ("call.clinic.example", [PUBLIC_URL + "@evil.example"], 403),
        ("call.clinic.example", [PUBLIC_URL + "/"], 403),
        ("call.clinic.example", [PUBLIC_URL, "https://evil.example"], 403),  # one is not enough
        ("call.clinic.example", ["https://evil.example", PUBLIC_URL], 403),
        ("10.0.0.7:8443", [PUBLIC_URL], 201),  # a proxy has put its own name for us there
        ("call.clinic.example", [PUBLIC_URL + ":443"], 201),
        ("whatever", ["own"], 201),  # by the address of the socket
        ("whatever", ["named"], 201),  # by a name on the certificate
    ],
)
async def test_our_pages_are_known_whatever_host_is_said(
    client: Client, host: str, origins: list[str], status: int
) -> None:
    known = {
        "own": f"http://{client.host}:{client.port}",
        "named": f"http://{CERTIFIED}:{client.port}",
    }
    headers = CIMultiDict({"Cookie": "__Host-session=carol", "Host": host})
    for origin in origins:
        headers.add("Origin", known.get(origin, origin))
    answer = await client.post("/api/v1/patients", json=ALICE, headers=headers)
    assert answer.status == status, await answer.text()


async def test_signing_in_sets_the_cookie_and_signing_out_clears_it(client: Client) -> None:
    stale = {"Cookie": "__Host-session=ended", "Origin": f"http://{client.host}:{client.port}"}
    for headers in ({}, stale, stale | {"Cookie": "__Host-session=carol"}):
        answer = await client.post("/api/v1/sessions", json={"word": "sesame"}, headers=headers)
        assert answer.status == 201
        cookie = answer.headers["Set-Cookie"]
        assert cookie == "__Host-session=carol; HttpOnly; Path=/; SameSite=Lax; Secure"
    headers = stale | {"Cookie": "__Host-session=carol"}
    answer = await client.delete("/api/v1/sessions/current", headers=headers)
    assert (answer.status, await answer.read()) == (204, b"")
    assert '__Host-session="";' in answer.headers["Set-Cookie"]
    assert "Secure" in answer.headers["Set-Cookie"]


async def test_a_foreign_page_signs_nobody_in(client: Client) -> None:
    answer = await client.post(
        "/api/v1/sessions", json={"word": "sesame"}, headers={"Origin": "https://evil.example"}
    )
    await problem(answer, 403, "foreign_origin")


@pytest.mark.parametrize("header", [b"Authorization: Bearer ", b"Cookie: __Host-session="])
async def test_a_secret_that_is_no_text_is_nobodys(client: Client, header: bytes) -> None:
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = b"GET /api/v1/patients HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    writer.write(head + header + b"p_\xff\xfe\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_request_that_is_sent_twice_is_carried_out_once(client: Client) -> None:
    headers = bearer("carol", Idempotency_Key="one")
    first = await client.post("/api/v1/patients", json=ALICE, headers=headers)
    again = await client.post("/api/v1/patients", json=ALICE, headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert await first.read() == await again.read()
    assert first.headers["ETag"] == again.headers["ETag"]
    found = await client.get("/api/v1/patients", headers=bearer("carol"))
    assert len((await found.json())["items"]) == 1
    other = {**ALICE, "name": "Alice Other"}
    answer = await client.post("/api/v1/patients", json=other, headers=headers)
    await problem(answer, 422, "key_reused")
    headers = bearer("ada", Idempotency_Key="one")
    mine = await client.post("/api/v1/patients", json=other, headers=headers)
    assert (await mine.json())["details"]["name"] == "Alice Other"


async def test_a_refused_request_may_be_sent_again_with_its_key(client: Client) -> None:
    headers = bearer("carol", Idempotency_Key="two")
    wrong = await client.post(
        "/api/v1/patients", json={**ALICE, "birth_date": "2999-01-01"}, headers=headers
    )
    await problem(wrong, 422, "invalid")
    assert (await client.post("/api/v1/patients", json=ALICE, headers=headers)).status == 201
    Counter.times = 0
    headers = bearer("carol", Idempotency_Key="three")
    for times in (1, 2):
        answer = await client.post("/api/v1/counts", json={"word": "no"}, headers=headers)
        await problem(answer, 409, "conflict")
        assert Counter.times == times


async def test_a_flow_that_is_sent_twice_is_carried_out_once(client: Client) -> None:
    Counter.times = 0
    headers = bearer("carol", Idempotency_Key="four")
    answers = [
        await client.post("/api/v1/counts", json={"word": "go"}, headers=headers) for _ in "ab"
    ]
    assert [await answer.json() for answer in answers] == [{"times": 1}, {"times": 1}]
    assert Counter.times == 1


class TestRates:
    @pytest.fixture
    def rates(self) -> Rates:
        return Rates(all=Rate(burst=5, per_s=1), guessing=Rate(burst=2, per_s=0.1))

    async def test_guessing_is_slower_than_the_rest(self, client: Client, clock: Clock) -> None:
        for _ in range(2):
            answer = await client.post("/api/v1/sessions", json={"word": "no"})
            await problem(answer, 401, "bad_credentials")
        answer = await client.post("/api/v1/sessions", json={"word": "sesame"})
        await problem(answer, 429, "too_many_requests")
        assert answer.headers["Retry-After"] == "10"
        assert (await client.get("/api/v1/organisation")).status == 200
        clock.advance(10)
        answer = await client.post("/api/v1/sessions", json={"word": "sesame"})
        assert answer.status == 201

    async def test_one_client_does_not_use_up_the_others_share(self, client: Client) -> None:
        statuses = [(await client.get("/api/v1/organisation")).status for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        headers = {"X-Forwarded-For": "198.51.100.7"}
        assert (await client.get("/api/v1/organisation", headers=headers)).status == 200

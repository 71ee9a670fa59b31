"""Who speaks in the tests of the API, each by a bearer token of the same name, or a cookie."""

from __future__ import annotations

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from msgspec.structs import replace

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.http.authentication import Credentials

Client = TestClient[Request, Application]

BOB = Actor(kind="user", id="bob", roles=frozenset({"doctor"}))
CAROL = Actor(kind="user", id="carol", roles=frozenset({"desk"}))
ADA = Actor(kind="user", id="ada", roles=frozenset({"admin"}))
CHARLIE = Actor(kind="user", id="charlie", roles=frozenset({"patient"}), patient_ids=frozenset())
CAST = {"bob": BOB, "carol": CAROL, "ada": ADA, "charlie": CHARLIE}


async def authenticate(credentials: Credentials) -> Actor:
    actor = CAST.get(credentials.bearer or credentials.session or "")
    if actor is None:
        raise Refused("sign_in_needed")
    return replace(actor, client=credentials.client)


def bearer(name: str, **headers: str) -> dict[str, str]:
    """The headers of a program; `_` stands for `-`."""
    more = {key.replace("_", "-"): value for key, value in headers.items()}
    return {"Authorization": f"Bearer {name}", **more}

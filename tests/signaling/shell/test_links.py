"""Links, tokens and the key that signs them."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from signaling.core.records import RoomRecord, hash_of
from signaling.core.rights import Rights
from signaling.core.room_phases import RoomPhase
from signaling.ports import Entry, Refused
from signaling.shell.ids import RandomIds
from signaling.shell.keys import KeyUnusable, load_or_create_key
from signaling.shell.links import Links
from signaling.shell.store import Store
from signaling.shell.tokens import ISSUER, TYPE, TokenGate, issue_token

PATIENT = Rights(publish=True, subscribe=True, chat=True)
ALICE = Entry("visit-1", "subject-alice", "Alice", "patient", PATIENT, waits=True)


class Office:
    """A store, a key and a clock that the test sets."""

    def __init__(self, store: Store, key: OKPKey) -> None:
        self.now = 1000.0
        self.store = store
        self.key = key
        self.links = Links(store, key, lambda: self.now, RandomIds())
        self.gate = TokenGate(store, key, lambda: self.now)

    async def link(self, ttl_s: float = 100) -> str:
        return await self.links.create_link(
            "visit-1", "subject-alice", "Alice", "patient", PATIENT, True, ttl_s
        )


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with await Store.open(tmp_path / "calls.sqlite") as store:
        yield Office(store, load_or_create_key(tmp_path / "keys"))


async def code_of(doing: object) -> str:
    with pytest.raises(Refused) as problem:
        await doing  # type: ignore[misc]
    return problem.value.code


async def test_a_link_gives_a_fresh_token_each_time(office: Office) -> None:
    secret = await office.link()
    assert len(secret) == 32
    for _ in range(2):
        token, entry = await office.links.exchange(secret)
        assert entry == ALICE
        assert await office.gate.enter(token) == ALICE


async def test_the_disk_does_not_know_the_secret(office: Office, tmp_path: Path) -> None:
    secret = await office.link()
    await office.store.close()
    assert secret.encode() not in (tmp_path / "calls.sqlite").read_bytes()


async def test_a_link_ends_with_its_time_its_visit_or_our_word(office: Office) -> None:
    secret, revoked = await office.link(), await office.link()
    assert await code_of(office.links.exchange("x" * 32)) == "link_unknown"
    assert await code_of(office.links.exchange("x" * 100_000)) == "link_unknown"
    await office.links.revoke(revoked)
    assert await code_of(office.links.exchange(revoked)) == "link_revoked"
    await office.store.save_room(RoomRecord("visit-1", 1000.0, RoomPhase.ENDED))
    assert await code_of(office.links.exchange(secret)) == "visit_ended"
    office.now += 100
    assert await code_of(office.links.exchange(secret)) == "link_expired"


async def test_the_token_of_a_link_holds_for_a_minute(office: Office) -> None:
    token, _ = await office.links.exchange(await office.link())
    office.now += 60
    assert await code_of(office.gate.enter(token)) == "token_expired"


async def test_a_token_of_the_future_is_refused(office: Office) -> None:
    await office.store.open_room("visit-1", 0)
    token = issue_token(office.key, ALICE, 600, office.now + 60)
    assert await code_of(office.gate.enter(token)) == "token_invalid"


async def test_an_ended_visit_takes_no_token(office: Office) -> None:
    await office.store.open_room("visit-1", 0)
    await office.store.save_room(RoomRecord("visit-1", 0.0, RoomPhase.ENDED))
    token = issue_token(office.key, ALICE, 60, office.now)
    assert await code_of(office.gate.enter(token)) == "visit_ended"


async def test_of_many_who_use_one_token_at_once_one_gets_in(office: Office) -> None:
    await office.store.open_room("visit-1", 0)
    token = issue_token(office.key, ALICE, 60, office.now)
    tries = [office.gate.enter(token) for _ in range(20)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert [one for one in outcomes if not isinstance(one, Refused)] == [ALICE]


def forged(office: Office) -> list[str]:
    """Tokens that any one check alone might let through."""
    claims = json.loads(_part(issue_token(office.key, ALICE, 60, office.now), 1))
    header = {"alg": "Ed25519", "typ": TYPE}
    public = json.dumps(office.key.as_dict(private=False)).encode()
    good = issue_token(office.key, ALICE, 60, office.now)
    head, body, signature = good.split(".")
    other = claims | {"room": "visit-2"}
    return [
        jwt.encode({"alg": "HS256", "typ": TYPE}, claims, OctKey.import_key(public)),
        jwt.encode({"alg": "ES256", "typ": TYPE}, claims, ECKey.generate_key("P-256")),
        f"{_encoded({'alg': 'none', 'typ': TYPE})}.{body}.",
        f"{head}.{_encoded(other)}.{signature}",
        _signed(office, header, claims | {"iss": ISSUER + "x"}),
        _signed(office, {"alg": "Ed25519", "typ": "JWT"}, claims),
        _signed(office, header, claims | {"can": ["everything"]}),
        _signed(office, header, claims | {"admin": True}),
        _signed(office, header, {key: claims[key] for key in claims if key != "exp"}),
        _signed(office, header, claims | {"exp": "never"}),
        "no token at all, but long enough",
        "a.b.c.d.e............",
    ]


@pytest.mark.parametrize("number", range(12))
async def test_a_forged_token_is_refused(office: Office, number: int) -> None:
    await office.store.open_room("visit-1", 0)
    await office.store.open_room("visit-2", 0)
    tokens = forged(office)
    assert len(tokens) == 12
    assert await code_of(office.gate.enter(tokens[number])) == "token_invalid"


def _signed(office: Office, header: dict[str, str], claims: dict[str, object]) -> str:
    return jwt.encode(header, claims, office.key, algorithms=["Ed25519"])


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _part(token: str, index: int) -> bytes:
    text = token.split(".")[index]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    first = load_or_create_key(tmp_path / "keys")
    assert load_or_create_key(tmp_path / "keys").as_dict() == first.as_dict()
    [file] = (tmp_path / "keys").iterdir()
    assert file.name == "join.ed25519"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    load_or_create_key(tmp_path)
    (tmp_path / "join.ed25519").chmod(0o640)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        load_or_create_key(tmp_path)


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "join.ed25519"
    file.write_text("no key")
    file.chmod(0o600)
    with pytest.raises(KeyUnusable):
        load_or_create_key(tmp_path)


def test_hashes_of_secrets_are_sha_256() -> None:
    assert hash_of("abc").hex().startswith("ba7816bf")

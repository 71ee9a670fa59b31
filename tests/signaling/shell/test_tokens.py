"""Join tokens against strangers: whatever text comes, it is refused or it is ours."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OKPKey

from signaling.core.records import RoomRecord
from signaling.core.rights import Rights
from signaling.core.room_phases import RoomPhase
from signaling.ports import Entry, Refused
from signaling.shell import log, tokens
from signaling.shell.store import Store
from signaling.shell.tokens import Claims, TokenGate, issue_token, read_token

KEY = OKPKey.generate_key("Ed25519")
ALICE = Entry("room", "alice", "Alice", "patient", Rights(publish=True), waits=True)
GOLDEN = issue_token(KEY, ALICE, 60.0, 1_000.0)
HEADER = {"alg": tokens.ALGORITHM, "typ": tokens.TYPE}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
PARAMETERS = ("alg", "typ", "crit", "b64", "kid", "jku", "jwk", "x5c", "cty", "zip", "enc")
entries = st.builds(
    Entry,
    room=st.text(max_size=20),
    subject=st.text(max_size=20),
    name=st.text(max_size=20),
    role=st.text(max_size=20),
    rights=st.builds(Rights, *[st.booleans()] * len(Rights.__struct_fields__)),
    waits=st.booleans(),
)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: dict[str, object], **header: str) -> str:
    return jwt.encode({**HEADER, **header}, claims, KEY, algorithms=[tokens.ALGORITHM])


def claims(**changed: object) -> dict[str, object]:
    found: dict[str, object] = jwt.decode(GOLDEN, KEY, algorithms=[tokens.ALGORITHM]).claims
    return {**found, **changed}


def refused(token: str) -> None:
    with pytest.raises(Refused) as caught:
        read_token(KEY, token)
    assert caught.value.code == "token_invalid"


@given(entries, st.floats(0, 1e9), st.floats(0, 1e9), st.booleans())
def test_an_issued_token_says_what_it_was_issued_for(
    entry: Entry, ttl_s: float, now: float, device: bool
) -> None:
    found = read_token(KEY, issue_token(KEY, entry, ttl_s, now, device=device))
    assert (found.room, found.sub, found.name) == (entry.room, entry.subject, entry.name)
    assert (found.role, found.waits, found.device) == (entry.role, entry.waits, device)
    assert (found.iat, found.nbf, found.exp) == (now, now, now + ttl_s)
    assert set(found.can) == {n for n in Rights.__struct_fields__ if getattr(entry.rights, n)}


def test_each_claim_is_needed_and_of_its_type() -> None:
    for name in Claims.__struct_fields__:
        refused(signed(claims(**{name: {}})))
        if name != "device":
            refused(signed({key: value for key, value in claims().items() if key != name}))


def test_a_claim_that_nobody_knows_an_issuer_and_a_type_that_are_not_ours_are_refused() -> None:
    refused(signed(claims(more=1)))
    refused(signed(claims(iss="somebody")))
    refused(signed(claims(), typ="JWT"))


def test_the_token_of_another_key_is_refused() -> None:
    refused(issue_token(OKPKey.generate_key("Ed25519"), ALICE, 60.0, 1_000.0))


@pytest.mark.parametrize("algorithm", ["none", "EdDSA", "HS256", "Ed448", ""])
def test_no_other_algorithm_is_taken(algorithm: str) -> None:
    body, signature = GOLDEN.split(".")[1:]
    for tail in (signature, ""):
        refused(f"{encoded(json.dumps({**HEADER, 'alg': algorithm}).encode())}.{body}.{tail}")


@given(st.dictionaries(st.sampled_from(PARAMETERS), JSON) | JSON)
@example({**HEADER, "crit": 5})
@example({**HEADER, "crit": [[]]})
@example({**HEADER, "crit": ["b64"], "b64": False})
@example({"alg": []})
@example([])
def test_no_header_of_a_stranger_raises_anything_but_a_refusal(header: object) -> None:
    for one in (header, {**HEADER, **header} if isinstance(header, dict) else header):
        refused(f"{encoded(json.dumps(one).encode())}.{encoded(b'{}')}.{encoded(bytes(64))}")


@given(st.text(max_size=60) | st.binary(max_size=60).map(encoded), st.integers(0, 4))
@example("[" * 4096, 0)
@example(encoded(b"[" * 3000) + "..", 0)
def test_no_text_raises_anything_but_a_refusal(text: str, dots: int) -> None:
    refused(text)
    refused(text + "." * dots + text)


@given(st.data())
def test_no_changed_token_is_taken(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOLDEN) - 1))
    length = data.draw(st.integers(0, 4))
    changed = GOLDEN[:at] + data.draw(st.text(max_size=4)) + GOLDEN[at + length :]
    if changed == GOLDEN:
        return
    refused(changed)


# The gate: what a token of ours opens, and when

NOW = 1_010.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path / "calls.sqlite") as opened:
        await opened.open_room("room", NOW)
        yield opened


async def turned_away(store: Store, token: str, now: float = NOW) -> str:
    with pytest.raises(Refused) as caught:
        await TokenGate(store, KEY, lambda: now).enter(token)
    return caught.value.code


async def test_a_token_opens_its_room_once_and_a_devices_again(store: Store) -> None:
    gate = TokenGate(store, KEY, lambda: NOW)
    assert await gate.enter(GOLDEN) == ALICE
    assert await turned_away(store, GOLDEN) == "token_used"
    assert await gate.identify(GOLDEN) == ALICE
    device = issue_token(KEY, ALICE, 60.0, NOW, device=True)
    assert [await gate.enter(device) for _ in range(2)] == [ALICE, ALICE]


async def test_a_token_opens_nothing_before_its_time_and_after_it(store: Store) -> None:
    early = 1_000.0 - tokens.NOT_BEFORE_LEEWAY_S
    assert await turned_away(store, GOLDEN, early - 0.001) == "token_invalid"
    assert await turned_away(store, GOLDEN, 1_060.0) == "token_expired"
    assert await TokenGate(store, KEY, lambda: early).enter(GOLDEN) == ALICE


async def test_a_withdrawn_token_and_one_for_no_open_room_open_nothing(store: Store) -> None:
    await TokenGate(store, KEY, lambda: NOW).revoke(GOLDEN)
    assert await turned_away(store, GOLDEN) == "token_revoked"
    elsewhere = issue_token(KEY, msgspec.structs.replace(ALICE, room="other"), 60.0, NOW)
    assert await turned_away(store, elsewhere) == "unknown_room"
    record = await store.room("room")
    assert isinstance(record, RoomRecord)
    await store.save_room(msgspec.structs.replace(record, phase=RoomPhase.ENDED))
    fresh = issue_token(KEY, ALICE, 60.0, NOW)
    assert await turned_away(store, fresh) == "visit_ended"


async def test_a_right_that_nobody_knows_opens_nothing(store: Store) -> None:
    assert await turned_away(store, signed(claims(can=["publish", "fly"]))) == "token_invalid"


async def test_the_gate_takes_note_of_comings_and_goings_without_names(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(log, "note", lambda event, **fields: noted.append((event, fields)))
    gate = TokenGate(store, KEY, lambda: NOW)
    await gate.joined("room", "alice", "p1", NOW)
    await gate.admitted("room", "alice", "p1", NOW)
    await gate.left("room", "alice", "p1", NOW, "left")
    assert [event for event, _ in noted] == ["joined", "admitted", "left"]
    assert "alice" not in str(noted)

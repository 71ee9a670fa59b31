"""Call tokens from the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clinic_api.visits import call_tokens, store
from clinic_api.visits.call_log import RoomEnded, gate_ended
from signaling.core.rights import Rights
from signaling.ports import Refused
from telemed_media.cli import app
from telemed_media.clinic import open_clinic
from telemed_media.data_folder import prepare
from telemed_media.gate import GATE, ClinicGate
from telemed_media.tokens import TokenError, TokenRequest, seat_of

BOB = TokenRequest("ward-3", "Bob", "publish,subscribe,moderate", 60, False, False)


def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
    outcome = CliRunner().invoke(app, list(arguments), input=typed)
    return outcome.exit_code, outcome.stdout, outcome.stderr


async def printed(folder: Path, *arguments: str, typed: str = "") -> tuple[int, str, str]:
    return await asyncio.to_thread(run, *arguments, "--data", str(folder), typed=typed)


async def test_a_printed_token_opens_its_room_for_its_holder(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    code, token, _ = await printed(
        tmp_path, "token", "--room", "ward-3", "--name", "Alice", "--can", "publish,chat"
    )
    assert code == 0
    async with await open_clinic(folder, "") as database:
        entry = await ClinicGate(database).enter(token.splitlines()[-1])
        visit = await database.read(lambda tx: store.visit_in(tx, "ward-3"))
    assert (entry.room, entry.name, entry.role) == ("ward-3", "Alice", "patient")
    assert entry.rights == Rights(publish=True, chat=True)
    assert entry.waits
    assert visit is not None
    assert visit.kind == "console"


async def test_the_token_stands_alone_on_stdout_and_keeps_its_time(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    code, token, _ = await printed(
        tmp_path, "token", "--room", "ward-3", "--name", "cart 1", "--ttl", "60", "--device"
    )
    async with await open_clinic(folder, "") as database:
        claims = call_tokens.read(database.keys, token.strip())
        for _ in range(2):
            entry = await ClinicGate(database).enter(token.strip())
        assert abs(claims.expires_at - database.now().timestamp() - 60) < 30
    assert code == 0
    assert token.count("\n") == 1
    assert claims.device
    assert entry.role == "device"


async def test_two_tokens_of_a_room_are_two_peoples_in_one_visit(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    entries = []
    for name in ("Alice", "Bob"):
        _, token, _ = await printed(tmp_path, "token", "--room", "ward-3", "--name", name)
        async with await open_clinic(folder, "") as database:
            entries.append(await ClinicGate(database).enter(token.strip()))
    assert entries[0].subject != entries[1].subject
    assert {entry.room for entry in entries} == {"ward-3"}


def test_who_moderates_does_not_wait() -> None:
    assert not seat_of(BOB).seat.waits
    assert seat_of(BOB).seat.role == "provider"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--room", "ward 3", "--name", "Alice"), "A room is named by"),
        (("--room", "ward-3", "--name", " "), "A name has 1 to"),
        (("--room", "ward-3", "--name", "A", "--can", "fly"), "fly is not a right"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused_in_words(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    prepare(tmp_path)
    code, token, said = run("token", *arguments, "--data", str(tmp_path))
    assert (code, token) == (2, "")
    assert words in said
    assert list((tmp_path / "db").iterdir()) == [], "checked before anything is written"


async def test_a_visit_that_is_over_takes_no_new_token(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    await printed(tmp_path, "token", "--room", "ward-3", "--name", "Alice")
    async with await open_clinic(folder, "") as database:
        over = RoomEnded(room="ward-3", subject="", at=database.now().timestamp())
        await database.write(lambda tx: gate_ended(tx, GATE, over))
    code, token, said = await printed(tmp_path, "token", "--room", "ward-3", "--name", "Alice")
    assert (code, token) == (2, "")
    assert "Name another room" in said


def test_no_token_for_a_folder_that_never_served(tmp_path: Path) -> None:
    code, _, said = run("token", "--room", "r", "--name", "A", "--data", str(tmp_path / "var"))
    assert code == 2
    assert "is not a data folder" in said
    assert not (tmp_path / "var").exists()


def test_an_unknown_right_is_no_seat() -> None:
    with pytest.raises(TokenError):
        seat_of(TokenRequest("r", "A", "publish,fly", 60, False, False))


async def test_a_revoked_token_opens_nothing(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    _, token, _ = await printed(
        tmp_path, "token", "--room", "ward-3", "--name", "cart 1", "--device"
    )
    async with await open_clinic(folder, "") as database:
        gate = ClinicGate(database)
        await gate.enter(token.strip())
        code, _, _ = await printed(tmp_path, "revoke", typed=token)
        with pytest.raises(Refused) as refused:
            await gate.enter(token.strip())
    assert (code, refused.value.code) == (0, "token_revoked")


async def test_what_is_no_token_of_ours_cannot_be_revoked(tmp_path: Path) -> None:
    prepare(tmp_path)
    code, _, said = await printed(tmp_path, "revoke", typed="nonsense")
    assert code == 2
    assert "no token" in said


async def test_a_folder_whose_keys_are_gone_is_told_in_words(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    await printed(tmp_path, "token", "--room", "ward-3", "--name", "Alice")
    for key in folder.keys.glob("*.kek"):
        key.unlink()
    code, token, said = await printed(tmp_path, "token", "--room", "ward-3", "--name", "Alice")
    assert (code, token) == (2, "")
    assert "key" in said

"""Join tokens from the command line."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from signaling.core.rights import Rights
from signaling.ports import Refused
from signaling.shell.clock import steady_clock
from signaling.shell.keys import load_or_create_key
from signaling.shell.store import Store
from signaling.shell.tokens import TokenGate, read_token
from telemed_media.cli import app
from telemed_media.data_folder import prepare
from telemed_media.tokens import TokenError, TokenRequest, entry_of

BOB = TokenRequest("ward-3", "Bob", "publish,subscribe,moderate", 60, False, False)


def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
    outcome = CliRunner().invoke(app, list(arguments), input=typed)
    return outcome.exit_code, outcome.stdout, outcome.stderr


async def test_a_printed_token_opens_its_room_for_its_holder(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    code, printed, _ = await asyncio.to_thread(
        run, "token", "--room", "ward-3", "--name", "Alice", "--can", "publish,chat",
        "--ttl", "60", "--data", str(tmp_path),
    )  # fmt: skip
    assert code == 0
    async with await Store.open(folder.database) as store:
        gate = TokenGate(store, load_or_create_key(folder.keys), steady_clock())
        entry = await gate.enter(printed.splitlines()[-1])
    assert (entry.room, entry.name, entry.role) == ("ward-3", "Alice", "patient")
    assert entry.rights == Rights(publish=True, chat=True)
    assert entry.waits


def test_the_token_stands_alone_on_stdout_and_keeps_its_time(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    code, printed, _ = run(
        "token", "--room", "ward-3", "--name", "cart 1", "--ttl", "60", "--device",
        "--data", str(tmp_path),
    )  # fmt: skip
    claims = read_token(load_or_create_key(folder.keys), printed.strip())
    assert code == 0
    assert printed.count("\n") == 1
    assert claims.device
    assert claims.role == "device"
    assert claims.exp - claims.nbf == 60
    assert abs(claims.nbf - time.time()) < 30


def test_who_moderates_does_not_wait() -> None:
    assert not entry_of(BOB).waits
    assert entry_of(BOB).role == "provider"


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
    code, printed, said = run("token", *arguments, "--data", str(tmp_path))
    assert (code, printed) == (2, "")
    assert words in said


def test_no_token_for_a_folder_that_never_served(tmp_path: Path) -> None:
    code, _, said = run("token", "--room", "r", "--name", "A", "--data", str(tmp_path / "var"))
    assert code == 2
    assert "is not a data folder" in said
    assert not (tmp_path / "var").exists()


def test_rights_are_checked_before_anything_is_written() -> None:
    with pytest.raises(TokenError):
        entry_of(TokenRequest("r", "A", "publish,fly", 60, False, False))


async def test_a_revoked_token_opens_nothing(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    data = ("--data", str(tmp_path))
    _, printed, _ = await asyncio.to_thread(
        run, "token", "--room", "ward-3", "--name", "cart 1", "--device", *data
    )
    async with await Store.open(folder.database) as store:
        gate = TokenGate(store, load_or_create_key(folder.keys), steady_clock())
        await gate.enter(printed.strip())
        code, _, _ = await asyncio.to_thread(run, "revoke", *data, typed=printed)
        with pytest.raises(Refused) as refused:
            await gate.enter(printed.strip())
    assert (code, refused.value.code) == (0, "token_revoked")


def test_what_is_no_token_of_ours_cannot_be_revoked(tmp_path: Path) -> None:
    prepare(tmp_path)
    code, _, said = run("revoke", "--data", str(tmp_path), typed="nonsense")
    assert code == 2
    assert "no token" in said

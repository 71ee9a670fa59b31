"""`telemed-media admin recover`: the last administrator comes back by the console."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from typer.testing import CliRunner, Result

from clinic_api.actor import STRANGER, system
from clinic_api.audit.store import AUDIT
from clinic_api.auth import flows
from clinic_api.auth.users import ListUsers, list_users
from clinic_api.journeys.set_up import set_up
from telemed_media.cli import app
from telemed_media.clinic import open_clinic
from telemed_media.data_folder import URL_FILE, prepare
from tests.clinic_api.auth.people import asked, org_id_of


def run(*arguments: str) -> Result:
    """The command line, as a person calls it."""
    return CliRunner().invoke(app, [*arguments])


async def _set_up(root: Path) -> None:
    async with await open_clinic(prepare(root), "") as database:
        await set_up(database, STRANGER, asked(database, await org_id_of(database)))


async def _activated(root: Path, code: str) -> tuple[str, list[str]]:
    """What Bob has to do after he used the code, and what the console did by the audit."""
    async with await open_clinic(prepare(root), "") as database:
        command = flows.ActivateByCode(
            login="bob@clinic.example", code=code, password="another tall ship"
        )
        opened = await flows.activate_by_code(database, STRANGER, command)
        rows = AUDIT.select().where(AUDIT.c.actor_id == "console")
        noted = await database.read(lambda tx: [row.action for row in tx.sql.execute(rows)])
        users = await database.read(lambda tx: list_users(tx, system("test"), ListUsers()))
        assert [user.roles for user in users.items] == [("admin", "doctor")]
        return opened.result.next, noted


def test_the_console_gives_a_code_that_begins_a_login_anew(tmp_path: Path) -> None:
    asyncio.run(_set_up(tmp_path))
    done = run("admin", "recover", "Bob@Clinic.example", "--data", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert "bob@clinic.example is an administrator again" in done.stderr
    following, noted = asyncio.run(_activated(tmp_path, done.stdout.strip()))
    assert following == "enrol_factor"
    assert noted == ["user.recover"]


def test_an_unknown_login_is_told_with_those_that_could_be_meant(tmp_path: Path) -> None:
    asyncio.run(_set_up(tmp_path))
    refused = run("admin", "recover", "bob", "--data", str(tmp_path))
    assert refused.exit_code == 2
    assert "Nobody signs in as bob. Administrators: bob@clinic.example." in refused.stderr


def test_where_and_until_when_the_code_counts_is_said_whole(tmp_path: Path) -> None:
    asyncio.run(_set_up(tmp_path))
    prepare(tmp_path).run.joinpath(URL_FILE).write_text("https://call.clinic.example:8443")
    done = run("admin", "recover", "bob@clinic.example", "--data", str(tmp_path))
    assert "Open https://call.clinic.example:8443/activate and give" in done.stderr
    assert re.search(r"by \d\d \w{3} \d{4}, \d\d:\d\d \(Europe/London\)", done.stderr), done.stderr


def test_a_folder_without_a_clinic_is_told_so(tmp_path: Path) -> None:
    prepare(tmp_path)
    refused = run("admin", "recover", "bob", "--data", str(tmp_path))
    assert (refused.exit_code, "no clinic's database" in refused.stderr) == (2, True)

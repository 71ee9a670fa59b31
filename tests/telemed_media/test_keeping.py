"""The commands that keep the data: what they print, and their exit codes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa
from typer.testing import CliRunner, Result

from clinic_api.actor import system
from clinic_api.audit.checkpoints import write_checkpoint
from telemed_media.cli import app
from telemed_media.clinic import open_clinic
from telemed_media.data_folder import prepare


def run(*arguments: str) -> Result:
    """The command line, as a person calls it."""
    return CliRunner().invoke(app, [*arguments])


async def _clinic_in(root: Path) -> None:
    async with await open_clinic(prepare(root), "") as database:
        for _ in range(3):
            await database.write(lambda tx: tx.note(system("jobs"), action="x.y"))
        await write_checkpoint(database, root)


def test_the_commands_verify_back_up_and_restore(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    asyncio.run(_clinic_in(old))
    verified = run("audit", "verify", "--data", str(old))
    assert (verified.exit_code, verified.stdout) == (
        0,
        "The audit is whole: 3 rows, signed up to row 3.\n",
    )
    keys = tmp_path / "keys.json"
    made = run("backup", "--data", str(old), "--keys", str(keys))
    assert made.exit_code == 0, made.stderr
    backup = Path(made.stdout.strip())
    assert backup.parent == old / "backups"
    back = run("restore", str(backup), "--keys", str(keys), "--data", str(new))
    assert (back.exit_code, back.stdout) == (0, verified.stdout), back.stderr
    again = run("restore", str(backup), "--keys", str(keys), "--data", str(new))
    assert (again.exit_code, "is not empty" in again.stderr) == (2, True)


def test_the_command_names_the_bad_row_and_exits_with_1(tmp_path: Path) -> None:
    asyncio.run(_clinic_in(tmp_path))
    engine = sa.create_engine(f"sqlite:///{tmp_path}/db/telemed.sqlite")
    with engine.begin() as sql:
        sql.exec_driver_sql("DROP TRIGGER audit_keeps")
        sql.exec_driver_sql("UPDATE audit SET action = 'z' WHERE seq = 2")
    engine.dispose()
    verified = run("audit", "verify", "--data", str(tmp_path))
    assert (verified.exit_code, verified.stdout) == (
        1,
        "The audit is broken at row 2: it was changed, or moved here from another place.\n",
    )


def test_the_commands_say_when_there_is_no_clinic(tmp_path: Path) -> None:
    for command in (["audit", "verify"], ["backup"]):
        done = run(*command, "--data", str(tmp_path))
        assert (done.exit_code, "is not a data folder" in done.stderr) == (2, True)
    (tmp_path / "db").mkdir()
    for command in (["audit", "verify"], ["backup"]):
        done = run(*command, "--data", str(tmp_path))
        assert (done.exit_code, "no clinic's database" in done.stderr) == (2, True)

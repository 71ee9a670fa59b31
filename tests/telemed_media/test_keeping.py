"""The commands that keep the data: what they print, and their exit codes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from typer.testing import CliRunner, Result

from clinic_api.actor import system
from clinic_api.audit.checkpoints import write_checkpoint
from clinic_api.transaction import Keys
from telemed_media.cli import app
from telemed_media.clinic import open_clinic
from telemed_media.data_folder import lock, prepare


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
    assert f"The backup is in {backup}." in made.stderr
    assert f"They are in {keys}: keep that file in another place" in made.stderr
    back = run("restore", str(backup), "--keys", str(keys), "--data", str(new))
    assert (back.exit_code, back.stdout) == (
        0,
        "The audit is whole: 4 rows, signed up to row 3.\n",
    ), back.stderr
    again = run("restore", str(backup), "--keys", str(keys), "--data", str(new))
    assert (again.exit_code, "is not empty" in again.stderr) == (2, True)


def test_new_keys_leave_what_is_old_readable(tmp_path: Path) -> None:
    asyncio.run(_clinic_in(tmp_path))
    sealed = asyncio.run(_in_clinic(tmp_path, lambda keys: keys.seal("a.b", "alice", b"note")))
    rotated = run("keys", "rotate", "--data", str(tmp_path))
    assert rotated.stdout == f"{tmp_path}/keys/clinic-2.kek\n", rotated.stderr
    (tmp_path / "keys" / "clinic-1.kek").unlink()
    assert asyncio.run(_in_clinic(tmp_path, lambda keys: keys.unseal("a.b", "alice", sealed))) == (
        b"note"
    )


def test_keys_are_not_changed_under_a_server(tmp_path: Path) -> None:
    asyncio.run(_clinic_in(tmp_path))
    with lock(prepare(tmp_path)):
        rotated = run("keys", "rotate", "--data", str(tmp_path))
    assert (rotated.exit_code, "Another server already runs" in rotated.stderr) == (2, True)


def test_what_the_console_does_is_in_the_audit(tmp_path: Path) -> None:
    old, new, keys = tmp_path / "old", tmp_path / "new", tmp_path / "keys.json"
    asyncio.run(_clinic_in(old))
    run("keys", "rotate", "--data", str(old))
    run("backup", "--data", str(old), "--keys", str(keys), "--to", str(tmp_path / "backup"))
    run("restore", str(tmp_path / "backup"), "--keys", str(keys), "--data", str(new))
    assert _actions(old) == ["keys.rotate", "backup.make", "keys.export"]
    assert _actions(new) == ["keys.rotate", "backup.make", "backup.restore"]


def _actions(root: Path) -> list[str]:
    """What the console did, from the audit."""
    with closing(sqlite3.connect(root / "db/telemed.sqlite")) as sql:
        rows = sql.execute("SELECT action FROM audit WHERE actor_id = 'console' ORDER BY seq")
        return [action for (action,) in rows]


async def _in_clinic(root: Path, work: Callable[[Keys], bytes]) -> bytes:
    async with await open_clinic(prepare(root), "") as database:
        return work(database.keys)


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

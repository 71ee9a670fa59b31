"""The data folder, its modes, its demo mark and its lock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from telemed_media.data_folder import (
    DataFolderError,
    existing,
    lock,
    mark_demo,
    prepare,
    socket_folder,
)


def test_everything_in_it_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = prepare(tmp_path / "var")
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.root.iterdir()}
    assert set(modes) == {"tls", "keys", "db", "files", "audit", "backups", "run"}
    assert {*modes.values(), folder.root.stat().st_mode & 0o777} == {0o700}


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    assert prepare(tmp_path) == prepare(tmp_path)


def test_a_folder_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    with pytest.raises(DataFolderError, match="cannot be made"):
        prepare(tmp_path / "var")


def test_the_demo_mark_stays(tmp_path: Path) -> None:
    assert mark_demo(prepare(tmp_path)).demo
    (tmp_path / "db" / "telemed.sqlite").touch()
    assert prepare(tmp_path).demo
    assert mark_demo(prepare(tmp_path)).demo


@pytest.mark.parametrize("place", ["db/telemed.sqlite", "keys/token.pem"])
def test_a_folder_with_real_data_refuses_the_demo(tmp_path: Path, place: str) -> None:
    folder = prepare(tmp_path)
    (tmp_path / place).touch()
    with pytest.raises(DataFolderError, match="has served without --demo"):
        mark_demo(folder)
    assert not (tmp_path / "demo").exists()


def test_a_second_server_on_the_folder_is_refused(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    with lock(folder), pytest.raises(DataFolderError, match="Another server already runs"):
        lock(folder)
    lock(folder).close()


def test_a_folder_that_never_served_is_not_taken_for_one(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match="start `telemed-media serve` on it first"):
        existing(tmp_path)
    prepare(tmp_path)
    assert existing(tmp_path).root == tmp_path


def test_sockets_with_a_long_path_go_to_a_private_temporary_folder(tmp_path: Path) -> None:
    near = prepare(tmp_path / "v")
    far = prepare(tmp_path / ("v" * 100))
    assert len(os.fsencode(near.run / "media.sock")) <= 100
    assert socket_folder(near, "media.sock") == near.run
    elsewhere = socket_folder(far, "media.sock")
    assert len(os.fsencode(elsewhere / "media.sock")) <= 100
    assert elsewhere.stat().st_mode & 0o777 == 0o700
    elsewhere.rmdir()

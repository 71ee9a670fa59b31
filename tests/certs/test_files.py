"""Atomic writing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from certs.files import PRIVATE, write_atomically


def test_the_new_content_replaces_the_old_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old")
    write_atomically(path, b"new", PRIVATE)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old")

    def no_space(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new", PRIVATE)
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]
    assert path.read_bytes() == b"old"

"""The README says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from telemed_media.config import settings_table

_ROOT = Path(__file__).parents[1]
_README = (_ROOT / "README.md").read_text(encoding="utf-8")


def test_the_settings_table_is_the_codes() -> None:
    assert settings_table() in _README


def test_every_file_that_it_links_to_is_there() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", _README)
    assert targets
    assert not [target for target in targets if not (_ROOT / target).exists()]


def test_the_folders_of_the_map_are_there() -> None:
    folders = re.findall(r"^\| `([a-z_]+/)` \|", _README, flags=re.MULTILINE)
    assert "sfu/" in folders
    assert not [folder for folder in folders if not (_ROOT / folder).is_dir()]

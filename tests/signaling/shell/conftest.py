"""Fixtures of the shell's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signaling.core.settings import CallSettings, Rate, RelaySettings, RoomSettings
from tests.signaling.shell.clinic import Clinic

RELAY = RelaySettings(("turns:clinic.example:443?transport=tcp",), b"shared with the relay")
GENEROUS = CallSettings(RoomSettings(relay=RELAY), hellos=Rate(per_s=1000, burst=1000))


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    """A running front; afterwards no task may be left."""
    before = asyncio.all_tasks()
    clinic = Clinic(tmp_path, GENEROUS)
    await clinic.open()
    yield clinic
    await clinic.close()
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left, f"tasks that outlive the front: {left}"

"""Packets are forwarded, never decoded: no process of ours ever makes a codec."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage, StartServer
from tests.e2e.meeting import meet, more_arrives
from tests.e2e.participant import Participant
from tests.e2e.poll import holds

_HOOKS = Path(__file__).parent / "hooks"
_CALL_S = 10.0


async def test_no_codec_is_made_during_a_call(
    tmp_path: Path, start_server: StartServer, open_chromium: OpenPage
) -> None:
    server = await start_server(environment=_watched(tmp_path))
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await more_arrives(alice)
    await holds(lambda: _in_call(alice), _CALL_S)
    await more_arrives(alice)
    watched = {path.name for path in tmp_path.glob("watched-*")}
    assert {f"watched-{process.pid}" for process in server.processes()} <= watched
    assert not [path.read_text() for path in tmp_path.glob("made-*")]


async def test_the_hook_notices_a_relay_that_decodes(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, _HOOKS / "relay_control.py", env=os.environ | _watched(tmp_path)
    )
    async with asyncio.timeout(30):
        assert await process.wait() == 0
    made = (tmp_path / f"made-{process.pid}").read_text()
    assert "get_encoder" in made
    assert "CodecContext" in made


async def _in_call(person: Participant) -> bool:
    return await person.state() == "call"


def _watched(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(_HOOKS), "CODEC_WATCH_FOLDER": str(folder)}

"""The page's messages and close codes are the server's: same types, same fields."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from signaling.core import messages
from signaling.core.closing import Closing

JS = Path(__file__).parents[2] / "web" / "static" / "js"


def _node(expression: str) -> Any:
    node = shutil.which("node")
    assert node, "Node is needed to read the page's tables"
    script = (
        "Promise.all(process.argv.slice(1).map((file) => import(file)))"
        f".then(([m, c]) => console.log(JSON.stringify({expression})))"
    )
    files = [(JS / name).as_uri() for name in ("messages.js", "closings.js")]
    done = subprocess.run(
        [node, "--input-type=module", "-e", script, "--", *files],
        capture_output=True,
        check=True,
        timeout=30,
    )
    return json.loads(done.stdout)


def _fields(union: Any) -> dict[str, list[str]]:
    _, parts = msgspec.json.schema_components(get_args(union))
    found: dict[str, list[str]] = {}
    for part in parts.values():
        kind = part.get("properties", {}).get("type", {}).get("enum")
        if kind:
            found[kind[0]] = sorted(set(part["properties"]) - {"type"})
    return found


def _parts() -> dict[str, list[str]]:
    both = (*get_args(messages.ClientMessage), *get_args(messages.ServerMessage))
    _, parts = msgspec.json.schema_components(both)
    return {
        name: sorted(part["properties"])
        for name, part in parts.items()
        if "type" not in part.get("properties", {"type": None})
    }


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    tables = "[m.CLIENT_FIELDS, m.SERVER_FIELDS, m.PART_FIELDS, c.CLOSINGS, m.VERSION, "
    client, server, parts, closings, version, subprotocol = _node(f"{tables} m.SUBPROTOCOL]")
    return {
        "client": {kind: sorted(fields) for kind, fields in client.items()},
        "server": {kind: sorted(fields) for kind, fields in server.items()},
        "parts": {name: sorted(fields) for name, fields in parts.items()},
        "closings": closings,
        "version": (version, subprotocol),
    }


def test_the_page_sends_what_the_server_understands(page: dict[str, Any]) -> None:
    assert page["client"] == _fields(messages.ClientMessage)


def test_the_page_understands_what_the_server_sends(page: dict[str, Any]) -> None:
    assert page["server"] == _fields(messages.ServerMessage)


def test_the_parts_of_messages_are_the_same(page: dict[str, Any]) -> None:
    assert page["parts"] == _parts()


def test_the_close_codes_are_the_same(page: dict[str, Any]) -> None:
    assert page["closings"] == {
        str(closing.code): {"reason": closing.reason, "final": closing.final} for closing in Closing
    }


def test_both_speak_the_same_version(page: dict[str, Any]) -> None:
    assert page["version"] == (messages.VERSION, messages.SUBPROTOCOL)

"""`telemed-media doctor` against a running server: the same calls that browsers make."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from certs.issuing import issue_server, make_authority
from telemed_media.probe.verdict import Finding
from tests.telemed_media.test_serve import COMMAND, Running, start, stop

pytestmark = pytest.mark.slow

DOCTOR_WITHIN_S = 60.0
YEARS_S = 3 * 365 * 24 * 3600.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    running = await start(tmp_path / "data", "--demo")
    yield running
    if running.process.returncode is None:
        assert await stop(running) == 0


async def examine(data: Path, **environ: str) -> tuple[int, dict[str, Finding]]:
    """Exit code and findings by check."""
    process = await asyncio.create_subprocess_exec(
        *(str(COMMAND), "doctor", "--json", "--data", str(data)),
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DOCTOR_WITHIN_S):
        text, _ = await process.communicate()
    assert process.returncode is not None
    found = msgspec.json.decode(text, type=list[Finding])
    return process.returncode, {finding.check: finding for finding in found}


async def test_calls_by_each_transport_and_each_fault_are_named(
    server: Running, tmp_path: Path
) -> None:
    code, found = await examine(server.data)
    assert code == 0
    assert {found[name].level for name in ("pages", "udp", "ice-tcp", "turn-tls")} == {"ok"}
    port = server.ready.udp[0][1]
    rules = (
        "add table inet doctor; "
        "add chain inet doctor in { type filter hook input priority 0; }; "
        f"add rule inet doctor in udp dport {port} drop"
    )
    subprocess.run(["nft", rules], check=True, timeout=10)
    try:
        code, found = await examine(server.data)
    finally:
        subprocess.run(["nft", "delete table inet doctor"], check=True, timeout=10)
    assert code == 1
    assert found["udp"].level == "fault"
    assert f"Let UDP port {port} in" in found["udp"].mend
    assert found["turn-tls"].level == found["ice-tcp"].level == "ok"
    await stop(server)
    then = time.time() - YEARS_S
    leaf = issue_server(make_authority(then), ["127.0.0.1"], then)
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(leaf.certificate_pem())
    key.write_bytes(leaf.key_pem())
    given = {"TELEMED_TLS_CERT": str(certificate), "TELEMED_TLS_KEY": str(key)}
    code, found = await examine(server.data, **given)
    assert code == 1
    assert "expired on" in found["certificate"].says
    assert found["pages"].level == "fault"
    assert "Is the server running?" in found["pages"].mend

"""Talking to the virus scanner, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clinic_api.files.clamd import (
    BadClamdUrl,
    Clamd,
    NoScanner,
    Scan,
    parse_clamd_url,
    scan,
)
from tests.clinic_api.files.clamd_server import VIRUS, running


async def parts(*data: bytes) -> AsyncIterator[bytes]:
    for each in data:
        yield each


@pytest.mark.parametrize("tcp", [False, True], ids=["unix", "tcp"])
async def test_a_clean_file_is_told_from_an_infected_one(tmp_path: Path, tcp: bool) -> None:
    async with running(tmp_path, tcp=tcp) as fake:
        assert await scan(fake.clamd, parts(b"a" * 300_000, b"", b"b")) == Scan("clean")
        found = await scan(fake.clamd, parts(b"x", VIRUS))
        assert found == Scan("refused", "Eicar-Test-Signature")
    assert fake.seen == [b"a" * 300_000 + b"b", b"x" + VIRUS]


async def test_what_is_no_verdict_is_none(tmp_path: Path) -> None:
    async with running(tmp_path) as fake:
        fake.mood = "full"
        said = await scan(fake.clamd, parts(b"large"))
    assert said == Scan("later", "INSTREAM size limit exceeded. ERROR")


@pytest.mark.parametrize("mood", ["mute", "dies"])
async def test_a_scanner_that_says_nothing_is_none(tmp_path: Path, mood: str) -> None:
    async with running(tmp_path) as fake:
        fake.mood = mood
        with pytest.raises(NoScanner):
            await scan(fake.clamd, parts(b"a" * 300_000, b"b" * 300_000), within_s=0.2)


async def test_a_scanner_that_is_not_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(NoScanner):
        await scan(Clamd(path=str(tmp_path / "nobody")), parts(b"a"))


@pytest.mark.parametrize(
    ("url", "clamd"),
    [
        ("unix:/run/clamav/clamd.ctl", Clamd(path="/run/clamav/clamd.ctl")),
        ("tcp:127.0.0.1:3310", Clamd(host="127.0.0.1", port=3310)),
        ("tcp:[::1]:3310", Clamd(host="::1", port=3310)),
    ],
)
def test_an_address_says_where_it_listens(url: str, clamd: Clamd) -> None:
    assert parse_clamd_url(url) == clamd


@pytest.mark.parametrize(
    "url", ["clamd", "unix:run/clamd", "tcp:host", "tcp://host:1", "tcp:host:x", "http:host:80"]
)
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(BadClamdUrl):
        parse_clamd_url(url)

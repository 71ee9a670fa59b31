"""What is built is what is installed: the wheel alone, in an empty folder, serves everything."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.e2e import server as server_process

_CHECKOUT = Path(__file__).parents[2]
_STATIC = _CHECKOUT / "web" / "static"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh venv that has our wheel, and this venv's other packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    _run(*build, "--no-index", "-w", folder, _copy_of_the_source(folder))
    _run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("telemed_media-*.whl")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps"]
    _run(*install, "--no-index", wheel)
    ours = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    # A plain path: the links of our own editable install are not followed from here.
    (ours / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv" / "bin" / "telemed-media"


async def test_a_wheel_serves_the_pages_and_every_static_file(
    installed: Path, tmp_path: Path
) -> None:
    server = await server_process.start(tmp_path, command=installed)
    try:
        async with aiohttp.ClientSession(server.ready.url) as client:
            for path in ("/readyz", "/join", *_static_paths()):
                async with client.get(path, ssl=False) as answer:
                    assert answer.status == 200, path
                    assert await answer.read(), path
    finally:
        await server.stop()
    _assert_from_the_wheel(installed)


def _static_paths() -> Iterator[str]:
    for path in sorted(_STATIC.rglob("*")):
        if path.is_file():
            yield f"/static/{path.relative_to(_STATIC)}"


def _assert_from_the_wheel(installed: Path) -> None:
    code = "import web; print(web.__file__)"
    python = installed.with_name("python")
    where = subprocess.run([python, "-c", code], check=True, capture_output=True, cwd="/").stdout
    assert str(installed.parents[1]) in where.decode()


def _copy_of_the_source(folder: Path) -> Path:
    """What git knows and what is new, so that an old build folder cannot fill a gap."""
    listed = _output("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in listed.split("\0"):
        source, target = _CHECKOUT / name, folder / "source" / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    return folder / "source"


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=_CHECKOUT).stdout


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, cwd="/")

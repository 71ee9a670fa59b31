"""Do the README's two commands work on a bare Debian? (make prove; needs root and debootstrap)

Builds the smallest Debian 12 in a temporary folder with just make, git and certificates, puts
a clone of this checkout into it and runs `make run` until it is ready, then `make test`. Where
packages come from is read from this machine's own apt, pip and npm when it runs.

Everything happens in mount and process namespaces of its own: when the script ends, however it
ends, all mounts and processes are gone, and the folder is removed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PLACE = Path("srv/telemed-media")  # of the clone, in the folder
READY_WITHIN_S = 180.0  # promised with a warm package cache
WHOLE_WITHIN_S = 3600.0

_PACKAGES = "make,git,ca-certificates"
_CONFIGURATION = (  # how this machine reaches its registries and names
    "/etc/apt",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/resolv.conf",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/xdg/pip",
    "/usr/etc/npmrc",
    "/usr/local/share/ca-certificates",
    "~/.config/pip",
    "~/.npmrc",
)
_VARIABLES = ("APT_", "CURL_", "NODE_EXTRA", "NPM_", "PIP_", "REQUESTS_", "SSL_")


def main() -> None:
    arguments = _arguments()
    if arguments.inside:
        _be_init()
        _prove(arguments.inside, arguments.only)
        return
    if os.geteuid() != 0:
        sys.exit("bare.py has to run as root: it builds a Debian system in a folder.")
    if shutil.which("debootstrap") is None:
        _run("apt-get", "install", "-y", "--no-install-recommends", "debootstrap")
    with tempfile.TemporaryDirectory(prefix="telemed-bare-") as folder:
        _in_namespaces(folder, arguments.only)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["run", "test"], help="one of the two commands")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_namespaces(folder: str, only: str | None) -> None:
    again = [sys.executable, __file__, "--inside", folder, *(["--only", only] if only else [])]
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run([*namespaces, *again], timeout=WHOLE_WITHIN_S, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _be_init() -> None:
    """We are process 1 here: go on in a child, and take leave of orphans as an init does."""
    child = os.fork()
    if child == 0:
        return
    while True:
        ended, status = os.wait()
        if ended == child:
            os._exit(os.waitstatus_to_exitcode(status))


def _prove(folder: Path, only: str | None) -> None:
    _build(folder)
    _carry_over(folder)
    _run("git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(folder / PLACE))
    if only != "test":
        _prove_run(folder)
    if only != "run":
        _prove_test(folder)


def _build(folder: Path) -> None:
    _say("building a bare Debian")
    options = ["--variant=minbase", f"--include={_PACKAGES}"]
    _run("debootstrap", *options, "bookworm", str(folder), _mirror())
    _run("mount", "-t", "proc", "proc", str(folder / "proc"))
    _run("mount", "--rbind", "/sys", str(folder / "sys"))
    _run("mount", "--rbind", "/dev", str(folder / "dev"))


def _mirror() -> str:
    """Where this machine's apt finds bookworm's main packages."""
    targets = _output("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)")
    for line in targets.splitlines():
        if line.endswith(" bookworm main"):
            return line.split()[0]
    sys.exit("This machine's apt knows no source for bookworm main.")


def _carry_over(folder: Path) -> None:
    for name in _CONFIGURATION:
        source = Path(name).expanduser()
        target = folder / source.relative_to("/")
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    _run("chroot", str(folder), "update-ca-certificates")


def _prove_run(folder: Path) -> None:
    _say("make run")
    began = time.monotonic()
    command = _inside(folder, "make", "run", "PORT=0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        ready = _ready_line(server)
        seconds = time.monotonic() - began
        _fetch(ready["url"])
        server.terminate()
    _say(f"make run was ready after {seconds:.0f} s")
    if seconds > READY_WITHIN_S:
        sys.exit(f"promised: {READY_WITHIN_S:.0f} s")


def _ready_line(server: subprocess.Popen[str]) -> dict[str, str]:
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("{"):
            ready: dict[str, str] = json.loads(line)
            return ready
        _say(line.rstrip())
    sys.exit("make run ended before the server was ready")


def _fetch(url: str) -> None:
    """The server answers; its local authority is unknown to us."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen(f"{url}/readyz", timeout=10, context=context) as answer:
        _say(f"/readyz: {answer.status}")


def _prove_test(folder: Path) -> None:
    _say("make test")
    began = time.monotonic()
    done = subprocess.run(_inside(folder, "make", "test"), stdin=subprocess.DEVNULL, check=False)
    _say(f"make test took {time.monotonic() - began:.0f} s, exit code {done.returncode}")
    if done.returncode:
        sys.exit(done.returncode)


def _inside(folder: Path, *command: str) -> list[str]:
    carried = [f"{k}={v}" for k, v in os.environ.items() if k.upper().startswith(_VARIABLES)]
    bare = ["HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "CI=true"]
    npm = ["NPM_CONFIG_GLOBALCONFIG=/usr/etc/npmrc"]
    environment = ["env", "-i", *bare, *npm, *carried]
    return ["chroot", str(folder), *environment, *command[:1], "-C", f"/{PLACE}", *command[1:]]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _say(line: str) -> None:
    print(f"bare: {line}", flush=True)


if __name__ == "__main__":
    main()

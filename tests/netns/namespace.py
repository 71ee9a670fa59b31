"""A private network for the whole test process.

`enter()` moves this process into a network namespace of its own with three interfaces: loopback and
two that a server would have (so that "answers from the address that was asked" can be tested). What
is started afterwards (servers, browsers) inherits it. There is no way out, so no test can send a
packet to the outside; the kernel takes everything back when the last process ends. In a mount
namespace /etc/hosts has names for the server: Firefox uses no TURN server over TLS without one.

Root needs no more; a user gets the same through a user namespace where the kernel allows that.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

FIRST_ADDRESS = "10.98.0.1"  # interface v0, where the default route points
SECOND_ADDRESS = "10.99.0.1"  # interface w0
FIRST_ADDRESS_V6 = "fd98::1"
SECOND_ADDRESS_V6 = "fd99::1"

NAMES = {
    "clinic.test": FIRST_ADDRESS,
    "public.clinic.test": "198.51.100.1",  # tests/netns/conftest.py
    "localhost": "127.0.0.1",
}

_CLONE_NEWNS = 0x00020000  # linux/sched.h, as the next two
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000

# Both ends of each pair stay here: traffic between own addresses takes the loopback path anyway.
# Firefox gathers candidates only on an interface with a default route. Link-local addresses are
# off: they become valid seconds later, and Chromium aborts page loads when an address appears.
# Bursts are cut into datagrams before they pass the firewall, so that loss is of single ones.
_INTERFACES = f"""\
link set lo up gso_max_segs 1
link add v0 type veth peer name v1
link add w0 type veth peer name w1
link set v0 addrgenmode none
link set v1 addrgenmode none
link set w0 addrgenmode none
link set w1 addrgenmode none
addr add {FIRST_ADDRESS}/24 dev v0
addr add {SECOND_ADDRESS}/24 dev w0
addr add {FIRST_ADDRESS_V6}/64 dev v0 nodad
addr add {SECOND_ADDRESS_V6}/64 dev w0 nodad
link set v0 up
link set v1 up
link set w0 up
link set w1 up
route add default via 10.98.0.254 dev v0
"""


class NoNamespace(Exception):
    """This machine does not let us make a network of our own; the message says why."""


def enter() -> None:
    """Move this process into a new private network. Raises NoNamespace."""
    if shutil.which("ip") is None:
        raise NoNamespace("the command ip is missing (Debian package iproute2)")
    if threading.active_count() > 1:
        raise NoNamespace("threads run already; they would stay outside")
    _unshare()
    done = subprocess.run(
        ["ip", "-batch", "-"], input=_INTERFACES, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise NoNamespace(f"ip: {done.stderr.strip()}")
    _name_addresses()


def _name_addresses() -> None:
    """Other names are refused at once: Chromium waits 10 s for a silent server (measured)."""
    _mount("--make-rprivate", "/")
    _overlay("/etc/hosts", "".join(f"{address} {name}\n" for name, address in NAMES.items()))
    _overlay("/etc/resolv.conf", "nameserver 127.0.0.1\n")


def _overlay(path: str, text: str) -> None:
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(text)
        file.flush()
        Path(file.name).chmod(0o644)
        _mount("--bind", file.name, path)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], text=True, capture_output=True, check=False)
    if done.returncode:
        raise NoNamespace(f"mount: {done.stderr.strip()}")


def _unshare() -> None:
    if os.geteuid() == 0:
        _call_unshare(_CLONE_NEWNET | _CLONE_NEWNS)
        return
    uid, gid = os.geteuid(), os.getegid()
    _call_unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWNS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def _call_unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        raise NoNamespace(f"unshare: {os.strerror(ctypes.get_errno())}")

"""More machines in the private network: each is a network namespace that a descriptor keeps alive.

The kernel takes a namespace back, with all its devices, when the descriptor is closed and the last
process in it has ended; nothing is left on the machine, whatever happens to the test run.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000  # linux/sched.h
_TUNSETIFF = 0x400454CA  # linux/if_tun.h, as the next two
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000


class Host:
    """One machine. `close` gives it up."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def path(self) -> str:
        """The namespace as a file, for children of this process."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs another one here."""
        return ["nsenter", f"--net={self.path}", "--", *arguments]

    def run(self, *arguments: str, script: str = "") -> str:
        """Run a command here to its end and give its output. Raises AssertionError on failure."""
        done = subprocess.run(
            self.command(*arguments), input=script, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr}\n{script}"
        return done.stdout

    def ip(self, *lines: str) -> None:
        """Commands of ip(8) without the word ip; all of them take one start of the program."""
        self.run("ip", "-batch", "-", script="\n".join(lines) + "\n")

    def be_router(self) -> None:
        """Forward packets, and answer ARP for whatever is behind another interface."""

        def settle() -> None:
            ipv4 = Path("/proc/sys/net/ipv4")
            (ipv4 / "ip_forward").write_text("1")
            (ipv4 / "conf/all/proxy_arp").write_text("1")

        self.inside(settle)

    def tun(self, name: str) -> int:
        """A new TUN device here; it lives as long as the descriptor that is returned."""
        return self.inside(lambda: _open_tun(name))

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        """A socket of this machine, used from our own process."""
        return self.inside(lambda: socket.socket(family, kind))

    def inside(self, work: Callable[[], T]) -> T:
        """Do the work in a thread that has moved here, and give what it returns."""

        def moved() -> T:
            _check(ctypes.CDLL(None, use_errno=True).setns(self._descriptor, _CLONE_NEWNET))
            return work()

        return _in_thread(moved)

    def close(self) -> None:
        os.close(self._descriptor)


def new_host() -> Host:
    """A machine with nothing but loopback."""
    host = Host(_in_thread(_unshared))
    host.ip("link set lo up")
    return host


def this_host() -> Host:
    """The machine on which tests and servers run."""
    return Host(_own_namespace())


def _unshared() -> int:
    _check(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET))
    return _own_namespace()


def _own_namespace() -> int:
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)


def _open_tun(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    request = struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI)
    fcntl.ioctl(descriptor, _TUNSETIFF, request)
    return descriptor


def _in_thread(work: Callable[[], T]) -> T:
    """A thread of its own, since one that has moved does not come back."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(work).result()


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

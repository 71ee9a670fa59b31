"""A bad network between a client's machine and the next hop, as the tests hold it.

Two TUN devices, one on each machine, and between them a process (link_process.py) that delays,
loses and blocks packets as it was told last. The next hop's end has no address, so a server there
does not offer it; the client's end has one of each family and the default route.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.netns.hosts import Host
from tests.netns.impairment import PERFECT, Impairment
from tests.netns.link_process import Command, Report

_ROOT = Path(__file__).parents[2]
_ANSWER_BYTES = 4096
_numbers = itertools.count()


class Link:
    """One access network of a client, as its Wi-Fi; in use at once if it is `attached`."""

    def __init__(
        self,
        client: Host,
        next_hop: Host,
        *,
        families: Sequence[int] = (4, 6),
        attached: bool = True,
        seed: int = 5,
    ) -> None:
        self.client = client
        number = next(_numbers)
        self._families = families
        self._near, self._far = f"eth{number}", f"link{number}"
        self._address = {4: f"10.100.{number % 256}.2", 6: f"fd64:{number:x}::2"}
        self.subnet = {4: f"10.100.{number % 256}.0/24", 6: f"fd64:{number:x}::/64"}
        tuns = (client.tun(self._near), next_hop.tun(self._far))
        self._process = _start(tuns, seed)
        next_hop.ip(
            f"link set {self._far} addrgenmode none",
            f"link set {self._far} up",
            *(f"route add {self.subnet[family]} dev {self._far}" for family in families),
        )
        client.ip(f"link set {self._near} addrgenmode none")
        if attached:
            client.ip(*self._lines_to_attach())

    def change(self, both: Impairment) -> None:
        """From now on, in both directions. What is on its way stays so."""
        self._tell(Command(up=both, down=both))

    def change_up(self, up: Impairment) -> None:
        """From now on, from the client to the server."""
        self._tell(Command(up=up))

    def change_down(self, down: Impairment) -> None:
        """From now on, from the server to the client."""
        self._tell(Command(down=down))

    def restore(self) -> None:
        """Be a perfect link again."""
        self.change(PERFECT)

    def report(self) -> Report:
        """What became of the packets so far."""
        return self._tell(Command())

    def processor_s(self) -> float:
        """Processor time that the process has used."""
        ticks = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(ticks[11]) + int(ticks[12])) / 100  # USER_HZ, always 100 for user space

    def address(self, family: int = 4) -> str:
        """The client's own address on this link."""
        return self._address[family]

    def detach(self) -> None:
        """The client leaves this network: address and routes are gone at once."""
        self.client.ip(*self._lines_to_detach())

    def replace(self, other: Link) -> None:
        """The client moves from `other`, which it loses, to this network in one step."""
        self.client.ip(*other._lines_to_detach(), *self._lines_to_attach())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(5) == 0, "the link's process failed; see standard error"

    def _lines_to_attach(self) -> list[str]:
        bits, everywhere = {4: "24", 6: "64 nodad"}, {4: "0.0.0.0/0", 6: "::/0"}
        return [
            *(f"addr add {self._address[f]}/{bits[f]} dev {self._near}" for f in self._families),
            f"link set {self._near} up",
            *(f"route add {everywhere[f]} dev {self._near}" for f in self._families),
        ]

    def _lines_to_detach(self) -> list[str]:
        return [f"addr flush dev {self._near}", f"link set {self._near} down"]

    def _tell(self, command: Command) -> Report:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(command) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline(_ANSWER_BYTES)
        assert line, "the link's process has ended; see standard error"
        return msgspec.json.decode(line, type=Report)


def _start(tuns: tuple[int, int], seed: int) -> subprocess.Popen[bytes]:
    """Run the process; it alone holds the devices from now on."""
    arguments = [str(descriptor) for descriptor in tuns]
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.netns.link_process", *arguments, str(seed)],
            cwd=_ROOT,
            pass_fds=tuns,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    finally:
        for descriptor in tuns:
            os.close(descriptor)

"""The table for people and the JSON for machines."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
from cryptography.hazmat.backends.openssl import backend
from rich.console import Console
from rich.table import Table

from bench.figures import Result
from bench.unit import unit_us

RESULTS = Path(__file__).parent / "results"


class Machine(msgspec.Struct, frozen=True):
    """Where a run was made, noted before it began."""

    cpu: str
    cores: int
    load_average: tuple[float, float, float]
    kernel: str
    unit_us: float  # see bench/unit.py
    receive_buffer_bytes: int  # net.core.rmem_max: what the server's socket gets
    versions: dict[str, str]
    commit: str
    at: str


def this_machine() -> Machine:
    """The machine as it is now."""
    return Machine(
        cpu=_cpu_model(),
        cores=os.cpu_count() or 0,
        load_average=os.getloadavg(),
        kernel=platform.release(),
        unit_us=unit_us(),
        receive_buffer_bytes=int(Path("/proc/sys/net/core/rmem_max").read_text()),
        versions={
            "python": platform.python_version(),
            "cryptography": version("cryptography"),
            "openssl": backend.openssl_version_text(),
            "aiortc": version("aiortc"),
        },
        commit=_commit(),
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()


def _commit() -> str:
    """The checkout's commit, with + where files differ from it; "" outside of one."""
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(
        [git, "describe", "--always", "--dirty=+", "--abbrev=12"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def table(results: Sequence[Result]) -> Table:
    """One row for each figure; the load stands in the first row of its scenario."""
    made = Table(title="Telemed Media, real server on loopback", title_justify="left")
    for heading in ("scenario", "figure"):
        made.add_column(heading)
    for heading in (
        *("measured", "promised", "in/s", "out/s", "delivered", "core", "waited"),
        *("worker s", "generator s"),
    ):
        made.add_column(heading, justify="right")
    for result in results:
        load = _load_cells(result)
        for n, figure in enumerate(result.figures):
            promised = f"≤ {figure.limit:g}" if figure.limit else ""
            colour = "red" if figure.exceeded else ""
            value = f"{figure.value:.1f} {figure.unit}"
            made.add_row(
                result.title if n == 0 else "",
                figure.name,
                f"[{colour}]{value}[/{colour}]" if colour else value,
                promised,
                *(load if n == 0 else [""] * len(load)),
            )
    return made


def _load_cells(result: Result) -> list[str]:
    load = result.load
    return [
        f"{load.packets_in_per_s:,.0f}",
        f"{load.packets_out_per_s:,.0f}",
        f"{load.delivered_share:.2%}",
        f"{load.worker_core_share:.0%}",
        f"{load.worker_waited_share:.0%}",
        f"{load.worker_cpu_s:.2f}",
        f"{load.generator_cpu_s:.2f}",
    ]


def show(machine: Machine, results: Sequence[Result]) -> None:
    """Print everything."""
    console = Console(width=None if os.isatty(1) else 160, highlight=False)
    console.print(
        f"{machine.cpu}, {machine.cores} cores, load {machine.load_average[0]:.2f}, "
        f"Linux {machine.kernel}, Python {machine.versions['python']}, "
        f"{machine.versions['openssl']}, commit {machine.commit}, "
        f"a packet sealed and sent: {machine.unit_us:.1f} µs"
    )
    console.print(table(results))


def as_json(machine: Machine, results: Sequence[Result], failures: Sequence[str]) -> str:
    """The whole run."""
    report = {
        "machine": msgspec.to_builtins(machine),
        "results": [msgspec.to_builtins(result) for result in results],
        "failures": list(failures),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def write(machine: Machine, results: Sequence[Result], failures: Sequence[str]) -> Path:
    """Write the JSON to bench/results/; where it lies."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{machine.at.replace(':', '')}.json"
    path.write_text(as_json(machine, results, failures))
    return path

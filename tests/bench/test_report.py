"""The table is for people, the JSON for machines; both have everything."""

from __future__ import annotations

import json

from rich.console import Console

from bench.figures import Figure
from bench.report import as_json, table, this_machine
from tests.bench.test_figures import GOOD, result

RESULT = result(GOOD, Figure("CPU", 21.04, "µs", 20), Figure("p95", 33.0, "ms"))


def test_the_table_shows_figures_promises_and_the_load() -> None:
    console = Console(width=200, record=True, quiet=True)
    with console.capture() as shown:
        console.quiet = False
        console.print(table([RESULT]))
    lines = [line for line in shown.get().splitlines() if "│" in line]
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]
    assert cells[0][:6] == ["1 → 10", "CPU", "21.0 µs", "≤ 20", "120", "1,200"]
    assert cells[1][:4] == ["", "p95", "33.0 ms", ""]


def test_the_json_says_where_and_with_what_it_was_measured() -> None:
    report = json.loads(as_json(this_machine(), [RESULT], ["fanout-10: slow"]))
    assert report["failures"] == ["fanout-10: slow"]
    assert report["results"][0]["figures"][0] == {
        "name": "CPU",
        "value": 21.04,
        "unit": "µs",
        "limit": 20.0,
    }
    assert report["results"][0]["load"]["packets_out_per_s"] == 1200
    machine = report["machine"]
    assert machine["cores"] >= 1
    assert {"python", "cryptography", "openssl", "aiortc"} <= set(machine["versions"])
    assert len(machine["load_average"]) == 3
    assert {"cpu", "kernel", "commit", "at"} <= set(machine)
    assert 0.5 < machine["unit_us"] < 1000

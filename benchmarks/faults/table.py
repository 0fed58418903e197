"""The report for people."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.faults.recovery import SECONDS


def print_report(report: dict[str, Any], missed: list[str]) -> None:
    console = Console(width=120)
    table = Table(title="Seconds after the fault, median / most")
    table.add_column("fault")
    for name in ("faults", *SECONDS, "photos behind"):
        table.add_column(name.replace("_", " "), justify="right")
    for kind, row in report["recovery"].items():
        cells = [f"{row[n]['median']} / {row[n]['most']}" for n in (*SECONDS, "behind")]
        table.add_row(kind, str(row["faults"]), *cells)
    console.print(table)
    for name in ("plan", "machine", "ledger", "answers"):
        print(json.dumps({name: report[name]}))
    print(json.dumps({"poison_deaths": report["poison_deaths"]}))
    for one in missed:
        print(f"MISSED {one}")

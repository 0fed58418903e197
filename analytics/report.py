"""The answer of an analysis as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from analytics.phrases import phrase

Json = Mapping[str, Any]


def print_report(answer: Json, console: Console) -> None:
    """One table for each problem; every problem says something."""
    console.print(
        f"{answer['units']} units, {answer['hypotheses']} hypotheses looked at"
    )
    for note in answer["notes"]:
        console.print(phrase(note))
    for problem in answer["problems"]:
        _print_problem(problem, console)


def _print_problem(problem: Json, console: Console) -> None:
    console.print()
    console.print(_heading(problem), style="bold")
    for note in problem["notes"]:
        console.print(f"  {phrase(note)}")
    for name, title in (("causes", "Associated"), ("chronic", "Always risky")):
        if problem[name]:
            console.print(_table(problem[name], title))
    if not problem["causes"] and not problem["chronic"] and not problem["notes"]:
        console.print("  No recorded factor explains this.")
    gaps = [f"{gap['what']} of {gap['operation']}" for gap in problem["not_recorded"]]
    if gaps:
        console.print(f"  Not recorded, so not looked at: {', '.join(gaps)}")
    for group in problem["credible_sets"]:
        if group["separate_by"]:
            members = ", ".join(str(rank) for rank in group["members"])
            how = phrase(group["separate_by"])
            console.print(f"  {members} look alike; to tell them apart: {how}")


def _heading(problem: Json) -> str:
    text = (
        f"{problem['defect_class']}: {problem['defective_units']} defective units "
        f"({problem['rate']:.2%})"
    )
    if problem["question"] == "excursion":
        text += (
            f", risen since {problem['onset']}, "
            f"{problem['unexplained_share']:.0%} of the rise unexplained"
        )
    return text


def _table(causes: list[Json], title: str) -> Table:
    table = Table(title=title, title_justify="left", expand=False)
    table.add_column("#", justify="right")
    table.add_column("what", overflow="fold")
    table.add_column("confidence", justify="right")
    table.add_column("risk (95 %)", justify="right")
    table.add_column("exposed", justify="right")
    table.add_column("rate", justify="right")
    table.add_column("defects due to it", justify="right")
    for cause in causes:
        table.add_row(*_row(cause))
    return table


def _row(cause: Json) -> list[str]:
    low, high = cause["relative_risk_interval"]
    few, many = cause["attributable_interval"]
    return [
        str(cause["rank"]),
        phrase(cause["statement"]),
        f"{cause['confidence']:.2f}",
        f"{cause['relative_risk']:.1f} ({low:.1f} to {high:.1f})",
        str(cause["exposed_units"]),
        f"{cause['exposed_rate']:.1%} / {cause['other_rate']:.1%}",
        f"{cause['attributable_defects']:.0f} ({few:.0f} to {many:.0f})",
    ]

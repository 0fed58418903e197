"""What a person sees: progress on stderr, the answer as tables on stdout."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from traceability.demo.player.answers import Detection, Finding, Problems
from traceability.demo.truth import Decoy, leading_causes

CAUSES_SHOWN = 3
FAINT = 0.05


def progress() -> Progress:
    """Bars on stderr; plain lines where that is no terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def note(text: str) -> None:
    """A line on stderr where there is no terminal to draw bars on."""
    if not sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)


def causes_table(problems: Problems) -> Table:
    """The first causes of every class of defect that has any worth a look."""
    table = Table(title="Ranked causes", caption=f"fainter than {FAINT} not shown")
    for heading in ("line", "defect", "question", "rank", "cause", "level"):
        table.add_column(heading, overflow="fold")
    for heading in ("confidence", "relative risk", "units"):
        table.add_column(heading, justify="right", overflow="fold")
    for problem in sorted(problems, key=lambda p: (p["line"], p["defect_class"])):
        for cause in leading_causes(problem)[:CAUSES_SHOWN]:
            if cause["confidence"] < FAINT:
                continue
            table.add_row(
                problem["line"],
                problem["defect_class"],
                problem["question"],
                str(cause["rank"]),
                f"{cause['kind']}: {_text(cause['factor'])}",
                _text(cause["level"]),
                f"{cause['confidence']:.2f}",
                f"{cause['relative_risk']:.1f}",
                str(cause["exposed_units"]),
            )
    return table


def _text(value: object) -> str:
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value)


def plants_table(findings: Sequence[Finding], decoys: Sequence[Decoy]) -> Table:
    """What was planted, and what became of it."""
    table = Table(title="Planted causes")
    for heading in ("line", "defect", "planted", "found"):
        table.add_column(heading)
    table.add_column("confidence", justify="right")
    for found in findings:
        verdict = (
            "first" if found.first else f"rank {found.rank}" if found.rank else "-"
        )
        plant = found.plant
        table.add_row(
            plant.line,
            plant.defect_class,
            str(plant),
            verdict,
            f"{found.confidence:.2f}",
        )
    for decoy in decoys:
        table.add_row(
            decoy.plant.line,
            decoy.plant.defect_class,
            f"decoy {decoy.levels[0]}",
            "ABOVE its plant",
            "",
        )
    return table


def detection_line(seen: Detection) -> str:
    share = seen.found / max(seen.drawn, 1)
    return (
        f"Photos: {seen.found} of {seen.drawn} drawn defects found ({share:.1%}), "
        f"{seen.false_alarms} false alarms."
    )


def sign_in_lines(url: str, passwords: Mapping[str, str]) -> list[str]:
    people = [f"  {name:<9} {password}" for name, password in passwords.items()]
    return [f"Sign in at {url} as", *people]

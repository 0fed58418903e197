"""Tables of the runs in files of `benchmarks.attribution.run`.

python -m benchmarks.attribution.summary FILE.jsonl ...
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attribution.run import recorded
from benchmarks.attribution.simulator import KINDS

Json = dict[str, Any]
SILENT = ("hidden", "null")
LOUD = 0.5
Z = 1.959964


def share(flags: Iterable[bool]) -> str:
    values = list(flags)
    return f"{np.mean(values):.3f}" if values else ""


def wilson_lower(hits: int, n: int) -> float:
    """Lower end of the 95 % score interval of a share (Wilson 1927)."""
    if n == 0:
        return float("nan")
    p, z = hits / n, Z
    middle = p + z * z / (2 * n)
    width = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float((middle - width) / (1 + z * z / n))


def calibration(stated: Sequence[float], right: Sequence[bool]) -> np.ndarray:
    """Ten bins of equal mass: rows of count, mean stated, share right."""
    order = np.argsort(stated, kind="stable")
    bins = np.array_split(order, 10)
    told, hit = np.asarray(stated, float), np.asarray(right, float)
    return np.array([[b.size, told[b].mean(), hit[b].mean()] for b in bins if b.size])


def expected_error(bins: np.ndarray) -> float:
    """Expected calibration error of bins made by `calibration`."""
    return float(np.average(np.abs(bins[:, 1] - bins[:, 2]), weights=bins[:, 0]))


def top_right(run: Json) -> bool:
    """Does the surest answer name a plant?"""
    return bool(run["top1"])


def statement(run: Json) -> tuple[float, bool]:
    """The top answer, or "none" when that is likelier; and whether it is right.

    "None" is right where nothing recorded was planted and where the plant was too
    weak to be seen.
    """
    sure = run["top_confidence"]
    if sure >= LOUD:
        return sure, top_right(run)
    return 1.0 - sure, run["kind"] in SILENT or not run["detectable"]


def _found(runs: list[Json]) -> list[Json]:
    return [one for run in runs for one in run["found"] if one is not None]


def _onset(runs: list[Json]) -> str:
    errors = [one["onset_error"] for one in _found(runs)]
    known = [error for error in errors if error is not None]
    return f"{np.median(known):.4f} ({len(known)})" if known else ""


def _sets(runs: list[Json]) -> str:
    sets = [one for run in runs for one in run["sets"]]
    if not sets:
        return ""
    holds = sum(one["holds"] for one in sets)
    size = np.median([one["size"] for one in sets])
    low = wilson_lower(holds, len(sets))
    return f"{holds}/{len(sets)} (>={low:.3f}) size {size:g}"


def _mediator(runs: list[Json]) -> str:
    own = [run for run in runs if "mediator" in run["decoys"] and run["detectable"]]
    above = share("mediator" in run["decoys_above"] for run in own)
    return f"{above} ({len(own)})" if own else ""


def _oracle(runs: list[Json]) -> str:
    return share(run["oracle_first"] for run in runs if "oracle_first" in run)


def _clear(runs: list[Json]) -> list[Json]:
    return [run for run in runs if run["detectable"] and run["kind"] != "hidden"]


def _wrong(runs: list[Json]) -> str:
    wrong = [run for run in runs if run["top_confidence"] >= LOUD and not run["top1"]]
    return f"{len(wrong) / len(runs):.3f} ({len(wrong)})"


COLUMNS: dict[str, Callable[[list[Json]], str]] = {
    "runs": lambda runs: str(len(runs)),
    "detectable": lambda runs: str(sum(run["detectable"] for run in runs)),
    "top-1": lambda runs: share(run["top1"] for run in _clear(runs)),
    "top-3": lambda runs: share(run["top3"] for run in _clear(runs)),
    "all first": lambda runs: share(run["all_first"] for run in _clear(runs)),
    "oracle": lambda runs: _oracle(_clear(runs)),
    ">=0.5 wrong": _wrong,
    "sets hold": _sets,
    "onset": _onset,
    "attributable": lambda runs: share(
        one["attributable_holds"] for one in _found(_clear(runs))
    ),
    "mediator above": _mediator,
    "s": lambda runs: f"{np.median([run['seconds'] for run in runs]):.2f}",
}


def table(runs: list[Json]) -> str:
    """Markdown, one row for each kind and one for all; top shares of detectable."""
    kinds = [kind for kind in KINDS if any(run["kind"] == kind for run in runs)]
    rows = {kind: [run for run in runs if run["kind"] == kind] for kind in kinds}
    rows["planted"] = [run for run in runs if run["kind"] not in SILENT]
    rows["all"] = runs
    head = f"| kind | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}"
    body = [
        f"| {kind} | {' | '.join(make(own) for make in COLUMNS.values())} |"
        for kind, own in rows.items()
        if own
    ]
    return "\n".join([head, *body])


def risk_slope(runs: list[Json]) -> tuple[float, int]:
    """Slope of a logistic regression of defects on stated logit; units held."""
    rows = [row[1:] for run in runs for row in run["held"]]
    if not rows:
        return float("nan"), 0
    n, stated, _, defects = np.array(rows).T
    mean = stated / n
    logit = np.log(mean / (1 - mean))
    weights = np.array([0.0, 1.0])
    design = np.column_stack([np.ones_like(logit), logit])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        step = (design * (n * p * (1 - p))[:, None]).T @ design
        weights = weights + np.linalg.solve(step, design.T @ (defects - n * p))
    return float(weights[1]), int(n.sum())


def _print_calibration(title: str, told: list[tuple[float, bool]]) -> None:
    bins = calibration([s for s, _ in told], [r for _, r in told])
    between = np.mean([0.2 <= sure <= 0.9 for sure, _ in told])
    print(
        f"\n{title}: ECE {expected_error(bins):.4f}, between 0.2 and 0.9 {between:.2f}"
    )
    print(" ".join(f"{stated:.2f}:{right:.2f}" for _, stated, right in bins))


def main() -> None:
    all_runs = [run for name in sys.argv[1:] for run in recorded(Path(name))]
    runs = [run for run in all_runs if "error" not in run]
    print(table(runs))
    print(f"\nerrors {len(all_runs) - len(runs)}")
    _print_calibration(
        "top answer", [(r["top_confidence"], top_right(r)) for r in runs]
    )
    _print_calibration("top answer or none", [statement(run) for run in runs])
    slope, units = risk_slope(runs)
    print(f"\nrisk slope {slope:.3f} over {units} held units")
    aliased = [one for run in runs for one in run["sets"] if one["alias"]]
    both = share(one["holds_all"] for one in aliased if one["holds"])
    print(f"sets with a plant and its alias: {both} of {len(aliased)}")


if __name__ == "__main__":
    main()

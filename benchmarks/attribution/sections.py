"""The sections of the report that tell of the analysis alone, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.attribution.markdown import median, number, table
from benchmarks.attribution.results import (
    LIFT,
    PLANTED,
    WEAK,
    Json,
    Results,
    between,
    clear,
    coverage,
    found_in,
    of_kind,
    onset_errors,
    sets_of,
    share,
)
from benchmarks.attribution.summary import expected_error, risk_slope, wilson_lower


def by_kind(results: Results) -> str:
    """Top-1 and Top-3 of the detectable at lift 5."""
    runs = results.at_lift(LIFT)
    if not clear(runs):
        return ""
    rows = [_kind_row(kind, of_kind(runs, kind)) for kind in PLANTED]
    rows.append(_kind_row("all", [run for run in runs if run["kind"] in PLANTED]))
    columns = (
        "planted",
        "runs",
        "detectable",
        "Top-1",
        "≥ (95 %)",
        "Top-3",
        "both first",
        "oracle Top-1",
        "median s",
    )
    told = (
        "Relative risk 5, 8,000 units, 100 parameters, overdispersion 0.3. Detectable: "
        "the log likelihood ratio of the true term, at the true noise, is at least 12. "
        "The oracle ranks all hypotheses with the true noise and the true form."
    )
    return f"## Planted causes\n\n{told}\n\n{table(columns, rows)}"


def _kind_row(kind: str, runs: list[Json]) -> tuple[str, ...]:
    seen = clear(runs)
    hits = sum(run["top1"] for run in seen)
    return (
        kind,
        str(len(runs)),
        str(len(seen)),
        number(share(run["top1"] for run in seen)),
        number(wilson_lower(hits, len(seen))),
        number(share(run["top3"] for run in seen)),
        number(share(run["all_first"] for run in seen if len(run["ranks"]) > 1)),
        _oracle_share(seen),
        number(median(run["seconds"] for run in runs), 2),
    )


def _oracle_share(runs: list[Json]) -> str:
    return number(share(run["oracle_first"] for run in runs if "oracle_first" in run))


def weak_causes(results: Results) -> str:
    """At lift 3, beside the oracle's own ranking."""
    runs = clear(results.at_lift(WEAK))
    if not runs:
        return ""
    rows = [
        (
            kind,
            str(len(own)),
            number(share(run["top1"] for run in own)),
            _oracle_share(own),
        )
        for kind in (*PLANTED, "all")
        if (own := runs if kind == "all" else of_kind(runs, kind))
    ]
    columns = ("planted", "detectable", "Top-1", "oracle Top-1")
    return f"## Weak causes: relative risk 3\n\n{table(columns, rows)}"


def silence(results: Results) -> str:
    """Lines where nothing recorded is to blame."""
    rows = []
    for kind in ("null", "hidden"):
        runs = of_kind(results.at_lift(LIFT), kind)
        if runs:
            sure = [run["top_confidence"] for run in runs]
            few = [str(sum(s >= level for s in sure)) for level in (0.5, 0.8, 0.9)]
            high = number(float(np.quantile(sure, 0.99)))
            rows.append((kind, str(len(runs)), *few, number(median(sure)), high))
    if not rows:
        return ""
    columns = ("line", "runs", "≥ 0.5", "≥ 0.8", "≥ 0.9", "median", "99 % point")
    told = (
        "Top confidence where no cause was planted (null) or its column is not in the "
        "bundle (hidden). A cause at 0.5 or more is a false alarm."
    )
    return f"## Silence\n\n{told}\n\n{table(columns, rows)}"


def calibration_table(runs: Sequence[Json], bins: np.ndarray) -> str:
    rows = [
        (f"{n:.0f}", *(number(value) for value in (stated, right, low, high)))
        for n, stated, right, low, high in bins
    ]
    columns = ("runs", "stated", "right", "from", "to")
    told = (
        f"{len(runs):,} runs, all kinds, relative risk log-uniform from 1.5 to 6. The "
        "statement is the top answer, or “none” where that is likelier (right where no "
        "recorded cause was planted or it was too weak to be detectable). Expected "
        f"calibration error {expected_error(bins):.3f}; {between(runs):.0%} of the "
        "statements lie between 0.2 and 0.9."
    )
    return f"## Calibration\n\n{told}\n\n{table(columns, rows)}"


def statements(results: Results) -> str:
    """Credible sets, onsets and intervals, by strength of the cause."""
    groups = {
        "relative risk 5": results.at_lift(LIFT),
        "relative risk 3": results.at_lift(WEAK),
        "drawn from 1.5 to 6": results.at_lift(None),
    }
    rows = [_statement_row(name, runs) for name, runs in groups.items() if clear(runs)]
    columns = (
        "runs",
        "credible sets",
        "hold the cause",
        "≥ (95 %)",
        "median size",
        "with alias: hold both",
        "onset error, median",
        "attributable holds",
        "risk interval holds",
        "risk slope",
    )
    if not rows:
        return ""
    told = (
        "Credible sets, onsets and 95 % intervals on detectable lines; attributable "
        "defects are compared with the same line drawn again without the cause."
    )
    return f"## What else is stated\n\n{told}\n\n{table(columns, rows)}"


def _statement_row(name: str, runs: list[Json]) -> tuple[str, ...]:
    seen = clear(runs)
    sets, found = sets_of(seen), found_in(seen)
    held, low = coverage(sets)
    plain = [one["size"] for one in sets if not one["alias"]]
    aliased = [one["holds_all"] for one in sets if one["alias"] and one["holds"]]
    return (
        name,
        str(len(sets)),
        number(held),
        number(low),
        number(median(plain), 0),
        f"{number(share(aliased))} of {len(aliased)}",
        number(median(onset_errors(seen)), 4),
        number(share(one["attributable_holds"] for one in found)),
        number(share(_risk_holds(one) for one in found)),
        number(risk_slope(runs)[0], 2),
    )


def _risk_holds(one: Json) -> bool:
    _, low, high, true = one["relative_risk"]
    return bool(low <= true <= high)

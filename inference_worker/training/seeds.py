"""Several trainings at once, alike but for their seed: what chance is worth."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.store import MANIFEST
from inference_worker.training.errors import TrainingFailed
from inference_worker.training.release import FIGURES
from inference_worker.training.settings import Settings

_SHOWN = ("map33", "map50", "map5095", "f")


@dataclass(frozen=True)
class _Child:
    """One training in a process of its own, writing below `out`."""

    settings: Settings
    process: subprocess.Popen[bytes]


def side_by_side(settings: Settings, count: int) -> str:
    """Train with `count` seeds from `settings.seed` on, as processes at once on the
    same device; each writes `out`/seed-N, with its log beside it. One that is through
    is not repeated, so the same command goes on after a kill.

    Gives a line a set and figure: mean and spread (largest less smallest, and the
    standard deviation). Raises TrainingFailed when one of them failed.
    """
    if (settings.out / MANIFEST).exists():
        raise DatasetError(f"{settings.out} holds a version", "Give another --out.")
    seeds = range(settings.seed, settings.seed + count)
    every = [_of_seed(settings, seed) for seed in seeds]
    children: list[_Child] = []
    try:
        for one in every:
            if not (one.out / MANIFEST).exists():
                children.append(_started(one))
        failed = [child for child in children if child.process.wait() != 0]
    finally:
        for child in children:
            child.process.terminate()
    if failed:
        named = ", ".join(str(child.settings.seed) for child in failed)
        log = _log_of(failed[0].settings)
        raise TrainingFailed(f"seeds {named} failed", f"See {log}.")
    return "\n".join(_summary([_figures(one.out) for one in every]))


def _of_seed(settings: Settings, seed: int) -> Settings:
    return replace(settings, seed=seed, out=settings.out / f"seed-{seed}")


def _started(one: Settings) -> _Child:
    one.out.parent.mkdir(parents=True, exist_ok=True)
    with _log_of(one).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "inference_worker.training", *arguments(one)],
            stdout=log,
            stderr=log,
        )
    return _Child(one, process)


def _log_of(one: Settings) -> Path:
    """Beside the version folder, which must be empty until it is whole."""
    return one.out.with_name(f"{one.out.name}.log")


def arguments(settings: Settings) -> list[str]:
    """The command line that means these settings."""
    usual = Settings(out=settings.out)
    words = ["--out", str(settings.out)]
    for field in fields(Settings):
        value = getattr(settings, field.name)
        if field.name == "out" or value == getattr(usual, field.name):
            continue
        words.append(_FLAGS.get(field.name, "--" + field.name.replace("_", "-")))
        if value is not True:
            words.append(str(value))
    return words


_FLAGS = {"data": "--coco", "start": "--from"}


def _figures(out: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((out / FIGURES).read_text())
    return figures


def _summary(runs: Sequence[dict[str, Any]]) -> list[str]:
    lines = []
    for name in runs[0]:
        for figure in _SHOWN:
            values = [run[name][figure] for run in runs]
            shown = " ".join(f"{value:.4f}" for value in values)
            lines.append(
                f"{name} {figure} mean {fmean(values):.4f}"
                f" spread {max(values) - min(values):.4f}"
                f" deviation {stdev(values):.4f} ({shown})"
            )
    return lines

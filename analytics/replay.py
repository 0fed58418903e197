"""Runs a stored analysis again on what it saw, and says whether it answers the same."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings

from analytics.bundle import read_bundle
from analytics.core.analyse import analyse
from analytics.core.errors import BundleError
from analytics.core.results import Options
from analytics.provenance import code_version, environment
from traceability.attribution.models import AnalysisRun
from traceability.attribution.snapshots import folder_of

SHOWN = 12
"""Digits of a hash in a sentence."""


@dataclass(frozen=True)
class Replay:
    """`same`: the answer's hash is the stored one. `text`: one sentence about it."""

    same: bool
    text: str


def replay(run: AnalysisRun) -> Replay:
    """Analyse the snapshot of `run` with its options and compare both hashes."""
    folder = folder_of(run)
    if folder is None:
        return Replay(False, _why_gone(run))
    started = time.perf_counter()
    try:
        found = analyse(read_bundle(folder), options_of(run.parameters, run.seed))
    except BundleError as error:
        return Replay(False, f"cannot be replayed: its snapshot is damaged: {error}")
    seconds = time.perf_counter() - started
    result = str(found.to_json()["result_sha256"])
    if found.input_sha256 != run.input_sha256:
        return Replay(False, _differs("input", run.input_sha256, found.input_sha256))
    if result != run.result_sha256:
        text = _differs("result", run.result_sha256, result)
        return Replay(False, text + _changed(run))
    counted = f"{found.units} units, {seconds:.1f} s"
    return Replay(True, f"same result {result[:SHOWN]} ({counted}){_changed(run)}")


def options_of(stored: Mapping[str, Any], seed: int) -> Options:
    """The options as a run keeps them: lists for tuples, unknown names ignored."""
    known = {field.name for field in fields(Options)} - {"seed"}
    named: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in stored.items()
        if name in known
    }
    return Options(seed=seed, **named)


def _why_gone(run: AnalysisRun) -> str:
    removed = run.snapshot_removed_at
    if removed is not None:
        return (
            "cannot be replayed: retention removed what it saw on "
            f"{removed:%Y-%m-%d} (see CAUSELINE_SNAPSHOT_DAYS and _MB)"
        )
    if run.snapshot:
        return f"cannot be replayed: {run.snapshot} is missing in {settings.RUNS_ROOT}"
    return "cannot be replayed: what it saw was not kept"


def _differs(what: str, stored: str, now: str) -> str:
    return f"DIFFERENT {what}: {stored[:SHOWN]} was stored, {now[:SHOWN]} came out"


def _changed(run: AnalysisRun) -> str:
    """What computes differently from then, in words; nothing when all is the same."""
    now = {"code": code_version(settings.VERSION), **environment()}
    then = {"code": run.code_version, **run.environment}
    changed = [
        f"{name} was {then[name]}, is {version}"
        for name, version in now.items()
        if name in then and then[name] != version
    ]
    return f"; {', '.join(changed)}" if changed else ""

"""What each analysis saw, on disk: bundle folders that `manage.py replay` reads again.

A folder is whole and flushed before a row names it, and no longer named before it is
removed. What no row names is left by a process that died, and swept.
"""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from traceability.attribution.models import AnalysisRun
from traceability.lib.durable import flush, flush_tree, make_folder

logger = logging.getLogger(__name__)

DRAFT = ".new-"


@dataclass(frozen=True)
class Snapshot:
    """A folder below `RUNS_ROOT` and its size; no name when none could be kept."""

    name: str = ""
    size: int = 0


def keep(run: uuid.UUID, at: datetime, write: Callable[[Path], None]) -> Snapshot:
    """Have `write` fill a folder for a run, and keep it durably.

    An analysis is worth more than its snapshot: when the disk is nearly full or
    fails, none is kept and the log says so.
    """
    name = f"{at:%Y/%m}/{run}"
    folder: Path = settings.RUNS_ROOT / name
    draft = folder.parent / f"{DRAFT}{run}"
    try:
        make_folder(folder.parent)
        _refuse_when_full(folder.parent)
        draft.mkdir()
        write(draft)
        size = flush_tree(draft)
        draft.rename(folder)
        flush(folder.parent)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        logger.warning("no snapshot of analysis %s was kept: %s", run, error)
        return Snapshot()
    return Snapshot(name, size)


def _refuse_when_full(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < settings.MINIMUM_FREE_BYTES:
        raise OSError(f"only {free // 2**20} MB are free")


def folder_of(run: AnalysisRun) -> Path | None:
    """Where the snapshot of `run` is; None when none was kept or it is gone."""
    folder: Path = settings.RUNS_ROOT / run.snapshot
    return folder if run.snapshot and folder.is_dir() else None


def sweep(older_than: timedelta = timedelta(hours=1)) -> int:
    """Remove what is too old or too much, the oldest first, and what no row names.

    `older_than`: an unnamed folder may belong to an analysis that goes on. Returns
    how many folders went.
    """
    expired = list(_expired())
    names = [name for _, name in expired]
    AnalysisRun.objects.filter(pk__in=[pk for pk, _ in expired]).update(
        snapshot="", snapshot_removed_at=timezone.now()
    )
    names += _unnamed(timezone.now() - older_than)
    for name in names:
        shutil.rmtree(settings.RUNS_ROOT / name, ignore_errors=True)
    return len(names)


def _expired() -> Iterator[tuple[uuid.UUID, str]]:
    oldest = timezone.now() - timedelta(days=settings.SNAPSHOT_DAYS)
    runs = AnalysisRun.objects.exclude(snapshot="").order_by("-finished_at")
    fields = runs.values_list("pk", "snapshot", "snapshot_bytes", "finished_at")
    total = 0
    for pk, name, size, finished_at in fields.iterator():
        total += size
        if total > settings.SNAPSHOT_BYTES or finished_at < oldest:
            yield pk, name


def _unnamed(before: datetime) -> list[str]:
    """Folders on disk that were last written before a time and that no row names."""
    root: Path = settings.RUNS_ROOT
    named = set(
        AnalysisRun.objects.exclude(snapshot="").values_list("snapshot", flat=True)
    )
    found = {
        str(folder.relative_to(root)): folder.stat().st_mtime
        for folder in root.glob("*/*/*")
    }
    return [n for n, at in found.items() if at < before.timestamp() and n not in named]

"""Which files are complete: those that have stopped changing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from traceability.ingest.watching.plan import DONE, REJECTED, Candidate, Plan

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
# So many are told of at once, the oldest first.
MOST = 200


class Lookout:
    """Looks at a folder again and again; `known` says what needs no look any more."""

    def __init__(self, plan: Plan, known: Callable[[Candidate], bool]) -> None:
        self._plan = plan
        self._known = known
        self._seen: dict[Path, tuple[Candidate, float]] = {}
        self._rests: dict[Path, float] = {}

    def look(self) -> list[Candidate]:
        """The photos that are complete and do not rest, the oldest first."""
        now = time.monotonic()
        seen: dict[Path, tuple[Candidate, float]] = {}
        for found in self._files():
            before = self._seen.get(found.path)
            same = before is not None and before[0] == found
            seen[found.path] = before if before and same else (found, now)
        self._seen = seen
        self._rests = {path: end for path, end in self._rests.items() if path in seen}
        settled = [
            found
            for found, since in seen.values()
            if now - since >= self._plan.settle_seconds
            and self._rests.get(found.path, 0.0) <= now
        ]
        return sorted(settled, key=lambda found: found.modified_ns)[:MOST]

    @property
    def idle(self) -> bool:
        """Whether there is no file left that could become a photo."""
        return not self._seen

    def rest(self, candidate: Candidate, seconds: float) -> None:
        """Say nothing of the file for a while."""
        self._rests[candidate.path] = time.monotonic() + seconds

    def forget(self, candidate: Candidate) -> None:
        """The file has changed, or is done: what was seen of it does not count."""
        self._seen.pop(candidate.path, None)

    def _files(self) -> Iterator[Candidate]:
        for found in _walk(self._plan.folder, top=True):
            if not self._known(found):
                yield found


def _walk(folder: Path, *, top: bool = False) -> Iterator[Candidate]:
    """Photos below a folder, without hidden ones and what we have put aside."""
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        if top:
            raise
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            if not (top and entry.name in (DONE, REJECTED)):
                yield from _walk(Path(entry.path))
        elif Path(entry.name).suffix.lower() in ENDINGS:
            yield from _file(entry)


def _file(entry: os.DirEntry[str]) -> Iterator[Candidate]:
    """The file, unless it is empty, has just gone, or is a link that leads nowhere."""
    try:
        state = entry.stat()
    except OSError:
        return
    if state.st_size:
        yield Candidate(Path(entry.path), state.st_size, state.st_mtime_ns)

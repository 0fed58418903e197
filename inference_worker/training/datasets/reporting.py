"""Remarks as people read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.visible import visible
from inference_worker.training.datasets.records import Remark

FILES_REFUSED = 50
LINES_A_CODE = 10
TEXTS_A_FILE = 3


def refusal(folder: Path, remarks: Iterable[Remark]) -> DatasetError:
    """Each file with a fatal remark on its own line, FILES_REFUSED at most."""
    by_file: dict[str, list[str]] = defaultdict(list)
    for remark in remarks:
        if remark.fatal:
            by_file[remark.file].append(remark.text)
    lines = [f"  {file}: {_joined(texts)}" for file, texts in by_file.items()]
    files = "1 file" if len(lines) == 1 else f"{len(lines)} files"
    return DatasetError(
        f"{folder}: {files} cannot be used",
        "Repair them, or leave these images out of a training with --skip-broken.",
        _some(lines, FILES_REFUSED),
    )


def report(remarks: Sequence[Remark]) -> str:
    """All remarks, those that cost an image first; "" when there are none.

    One paragraph a code, with its count, and a line a file, LINES_A_CODE at most.
    """
    groups: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for remark in remarks:
        line = f"  {remark.file}: {remark.text}" if remark.file else f"  {remark.text}"
        groups[not remark.fatal, remark.code].append(visible(line))
    lines: list[str] = []
    for (noted, code), texts in sorted(groups.items(), key=lambda group: group[0]):
        kind = "" if noted else "left out: "
        lines += [f"{kind}{code} ({len(texts)})", *_some(texts, LINES_A_CODE)]
    return "\n".join(lines)


def _joined(texts: list[str]) -> str:
    return "; ".join(_some(texts, TEXTS_A_FILE))


def _some(lines: list[str], most: int) -> list[str]:
    more = len(lines) - most
    return [*lines[:most], f"and {more} more"] if more > 0 else lines

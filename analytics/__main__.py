"""Ranks the causes of defects from a bundle: `python -m analytics BUNDLE`.

Needs no Django and no database. Exit codes: 0 answered, 1 the bundle (or the
cluster of `--dask`) is at fault, 2 the command is.
"""

from __future__ import annotations

import analytics.one_thread  # noqa: F401  # isort: skip

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analytics.bundle import read_bundle
from analytics.bundle_readings import READINGS
from analytics.cluster import VARIABLE, ClusterError
from analytics.cluster_columns import cluster_columns
from analytics.core.analyse import analyse
from analytics.core.columns import FarColumns
from analytics.core.errors import BundleError
from analytics.core.frames import Bundle
from analytics.core.results import Analysis, Options
from analytics.progress import SlowProgress

OUTPUT_WIDTH = 120
NO_COLUMNS = (
    "there is no folder of readings as columns to share out, so all of it runs here"
)


def main(arguments: list[str] | None = None) -> int:
    """Read, analyse, print. Errors are sentences on stderr."""
    asked = _parser().parse_args(arguments)
    try:
        found = _answer(asked)
    except (BundleError, ClusterError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    try:
        _say(found, as_json=asked.json)
    except BrokenPipeError:  # whoever reads has read enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _answer(asked: argparse.Namespace) -> Analysis:
    """:raises OSError: the file of units to hold cannot be written."""
    hold: Path | None = asked.containment
    if hold is not None and not hold.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {hold.parent} to write into")
    with SlowProgress(sys.stderr) as progress, _far(asked) as far:
        bundle = read_bundle(asked.bundle, progress, far)
        _refuse_unknown_class(bundle, asked.defect_class)
        found = analyse(bundle, _options(asked), progress)
    if hold is not None:
        _write_containment(found, hold)
    return found


@contextmanager
def _far(asked: argparse.Namespace) -> Iterator[FarColumns | None]:
    """The readings on the workers of a cluster, if one was named and there are such."""
    if not asked.dask:
        yield None
    elif not (asked.bundle / READINGS).is_dir():
        print(f"note: {NO_COLUMNS}", file=sys.stderr)
        yield None
    else:
        with cluster_columns(asked.dask, asked.bundle) as columns:
            yield columns


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analytics",
        description="Rank the causes of defects from a folder of CSV or Parquet files.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the folder")
    parser.add_argument(
        "--class",
        dest="defect_class",
        action="append",
        metavar="C",
        help="only this defect class; may be given again",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seed", type=int, default=0, help="kept with the answer")
    parser.add_argument(
        "--containment",
        type=Path,
        metavar="FILE",
        help="write the units to hold as CSV: unit, risk, interval",
    )
    parser.add_argument(
        "--confidence",
        type=_share,
        default=0.5,
        metavar="P",
        help="hold units of causes at or above this confidence (default 0.5)",
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        default=os.environ.get(VARIABLE, ""),
        help=f"screen on the workers of this Dask scheduler (default: ${VARIABLE})",
    )
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError("a confidence lies between 0 and 1")
    return value


def _options(asked: argparse.Namespace) -> Options:
    classes = tuple(asked.defect_class) if asked.defect_class else None
    return Options(classes=classes, seed=asked.seed, confidence=asked.confidence)


def _refuse_unknown_class(bundle: Bundle, asked: list[str] | None) -> None:
    known = sorted(bundle.defects["defect_class"].unique())
    unknown = sorted(set(asked or []) - set(known))
    if unknown:
        raise BundleError(
            "defects",
            f"no unit has a defect of class {unknown[0]!r}",
            f"The classes are {', '.join(known) or 'none'}",
            column="defect_class",
        )


def _write_containment(found: Analysis, path: Path) -> None:
    """Unit, risk and its 95 % interval of every unit to hold, for each class."""
    found.held.to_csv(path, index=False, float_format="%.6g")


def _say(found: Analysis, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=not _takes_unicode()))
    else:
        _print_tables(found)
    sys.stdout.flush()


def _takes_unicode() -> bool:
    return sys.stdout.encoding.lower() in ("utf-8", "utf8")


def _print_tables(found: Analysis) -> None:
    from rich.console import Console

    from analytics.report import print_report

    if not _takes_unicode() and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    wide = Console().is_terminal
    console = Console() if wide else Console(width=OUTPUT_WIDTH)
    print_report(found.to_json(), console)


if __name__ == "__main__":
    sys.exit(main())

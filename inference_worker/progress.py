"""A progress bar on stderr, for what takes longer than one would wait for."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 1.0


def shown(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """The items as they come, under a bar once they took PATIENCE_SECONDS.

    Silent when stderr is not a terminal, and where rich is not installed: a bare GPU
    machine needs no more than the engine does.
    """
    coming = iter(items)
    started = time.monotonic()
    done = 0
    for item in coming:
        yield item
        done += 1
        if time.monotonic() - started > PATIENCE_SECONDS:
            break
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield from coming
        return
    yield from _under_a_bar(coming, total, done, label)


def _under_a_bar(items: Iterator[T], total: int, done: int, label: str) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total, completed=done)
        for item in items:
            yield item
            progress.advance(task)

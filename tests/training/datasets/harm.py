"""What the tests of folders made to do harm have in common."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.training.datasets import folders
from tests.training.datasets.folders import put

Write = Callable[[Path], Path]


def coco(folder: Path) -> Path:
    return put(folder, folders.coco(folder))


def named_in_lines(folder: Path) -> Path:
    folders.yolo(folder)
    (folder / "data.yaml").unlink()
    (folder / "classes.txt").write_text("dent\nscratch\n")
    return folder


@contextmanager
def in_seconds(most: int) -> Iterator[None]:
    """What waits for a pipe or for all of a device would wait for ever."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"took longer than {most} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(most)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

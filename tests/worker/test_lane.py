from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager

from inference_worker.lane import Lane


def enter(
    way: AbstractContextManager[None], log: list[str], name: str
) -> threading.Thread:
    """Go in from a thread, stay for a moment, note both ends."""

    def run() -> None:
        with way:
            log.append(f"+{name}")
            time.sleep(0.05)
            log.append(f"-{name}")

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_many_share() -> None:
    lane, log = Lane(), []
    threads = [enter(lane.shared(), log, str(n)) for n in range(5)]
    for thread in threads:
        thread.join(5)
    assert [entry[0] for entry in log] == ["+"] * 5 + ["-"] * 5


def test_a_suspect_is_alone_and_goes_first() -> None:
    lane, log = Lane(), []
    first = enter(lane.shared(), log, "first")
    while not log:
        time.sleep(0.001)
    suspects = [enter(lane.alone(), log, f"suspect{n}") for n in range(2)]
    time.sleep(0.01)
    later = enter(lane.shared(), log, "later")
    for thread in (first, *suspects, later):
        thread.join(5)
    assert log[:2] == ["+first", "-first"]
    assert log[2][1:] == log[3][1:]
    assert log[4][1:] == log[5][1:]
    assert log[6:] == ["+later", "-later"]

"""How long a line felt a fault: from when photos were taken and results were there.

Photos go on being taken whatever happens, so what is behind is what was taken and has
no result. All times are of `time.time`.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

STEP_SECONDS = 0.05
BEFORE_SECONDS = 1.5
# Less than this many seconds' photos behind is no disturbance.
SLACK_SECONDS = 1.0


@dataclass(frozen=True)
class Fault:
    """What was done, and when; `until` is when the next one was, or the end."""

    kind: str
    at: float
    until: float


@dataclass(frozen=True)
class Recovery:
    """Seconds since the fault; infinite when it was not over before the next one.

    `flowing`: from then on results came faster than photos. `caught_up`: from then on
    less than a second's photos more than before were behind. Both are 0 when that was
    so all the time. `in_hand`: every photo that was taken before the fault had its
    result. `silent`: the longest time without any result. `behind`: the most photos
    that were behind.
    """

    fault: Fault
    flowing: float
    caught_up: float
    in_hand: float
    silent: float
    behind: int


def recovery(
    fault: Fault, taken: Sequence[float], finished: Sequence[float], rate: float
) -> Recovery:
    """`finished` has the result of each of `taken`, infinite where there is none."""
    due, done = np.sort(taken), np.sort(finished)
    times = np.arange(fault.at - BEFORE_SECONDS, fault.until, STEP_SECONDS)
    behind = np.searchsorted(due, times, "right") - np.searchsorted(
        done, times, "right"
    )
    before = times <= fault.at
    usual = float(np.median(behind[before]))
    times, behind = times[~before], behind[~before]
    felt = behind > usual + rate * SLACK_SECONDS
    flowing = caught_up = 0.0
    if felt.any():
        peak = len(behind) - 1 - int(np.argmax(behind[::-1]))
        flowing = _since(fault, times, peak)
        caught_up = _since(fault, times, int(np.flatnonzero(felt)[-1]))
    within = done[(done > fault.at) & (done < fault.until)]
    gaps = np.diff(np.concatenate([[fault.at], within, [fault.until]]))
    early = [
        end for start, end in zip(taken, finished, strict=True) if start < fault.at
    ]
    in_hand = max(0.0, max(early, default=fault.at) - fault.at)
    return Recovery(
        fault, flowing, caught_up, in_hand, float(gaps.max()), int(behind.max())
    )


def _since(fault: Fault, times: np.ndarray, index: int) -> float:
    """From the fault to a moment; infinite for the last one, as it went on after it."""
    last = index == len(times) - 1
    return float("inf") if last else float(times[index] - fault.at)


def summary(found: Iterable[Recovery]) -> dict[str, dict[str, Any]]:
    """By kind of fault: how many, and median and most of each figure."""
    by_kind: dict[str, list[Recovery]] = defaultdict(list)
    for one in found:
        by_kind[one.fault.kind].append(one)
    return {
        kind: {"faults": len(some)}
        | {name: _figures(some, name) for name in (*SECONDS, "behind")}
        for kind, some in sorted(by_kind.items())
    }


SECONDS = ("flowing", "caught_up", "in_hand", "silent")


def _figures(some: list[Recovery], name: str) -> dict[str, float]:
    values = [getattr(one, name) for one in some]
    return {
        "median": round(statistics.median(values), 2),
        "most": round(max(values), 2),
    }

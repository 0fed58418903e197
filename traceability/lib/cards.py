"""The graphics cards of this machine, found without any of their software."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

CHOSEN = "CUDA_VISIBLE_DEVICES"
SHARED = "CAUSELINE_CARD_PROCESSES"
MOST_SHARED = 2
"""A third place on a card is for the better engine that one of them may climb to."""

DRIVER = Path("/proc/driver/nvidia/gpus")
_UUID = re.compile(r"GPU UUID:\s+(GPU-[0-9a-f-]+)")


def visible_cards(
    environment: Mapping[str, str] | None = None, driver: Path = DRIVER
) -> list[str]:
    """What CUDA would see, by the names that CUDA_VISIBLE_DEVICES takes.

    As in CUDA, that variable decides where it is set, up to the first entry that is
    none; an empty one hides all. Else what the driver lists, by UUID: CUDA and NVML
    count cards in different orders.
    """
    chosen = (os.environ if environment is None else environment).get(CHOSEN)
    if chosen is not None:
        return _before_a_bad_one(chosen.split(","))
    listed = sorted(driver.glob("*/information"))
    found = [_UUID.search(one.read_text(errors="replace")) for one in listed]
    return [match[1] for match in found if match]


def seats(environment: Mapping[str, str], driver: Path = DRIVER) -> list[str]:
    """The card of each process that inspects: every one once, then, where two are to
    share each, every one again.
    """
    shared = environment.get(SHARED, "").strip() == str(MOST_SHARED)
    return visible_cards(environment, driver) * (MOST_SHARED if shared else 1)


def _before_a_bad_one(names: list[str]) -> list[str]:
    """`NoDevFiles` is what container runtimes set for none, -1 is what people do."""
    good: list[str] = []
    for name in (name.strip() for name in names):
        if not name or name.startswith("-") or name == "NoDevFiles":
            break
        good.append(name)
    return good

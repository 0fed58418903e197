"""The kernels as a compiler takes them: one text, which is also what caches go by."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent

_INCLUDE = re.compile(r'^#include "(\w+\.cuh)"$', re.MULTILINE)


def source(name: str) -> str:
    """The text of `name`, its parts of this folder where it includes them."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: source(found[1]).rstrip("\n"), text)

"""The little Markdown that a card is made of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from inference_worker.engine.visible import visible

_MARKUP = re.compile(r"[\\|<\[`*]")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; whatever stands in a cell stays in it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(plain, line))} |" for line in lines)


def items(words: Sequence[str]) -> str:
    """Words as they are, with commas between."""
    return ", ".join(map(plain, words))


def plain(text: str) -> str:
    """Text on one line that is no markup: no tag, link, code, stress, end of a cell."""
    return _MARKUP.sub(r"\\\g<0>", visible(" ".join(text.split())))

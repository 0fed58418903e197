"""The little Markdown that a card is made of."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; whatever stands in a cell stays in it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def items(words: Sequence[str]) -> str:
    """Words as they are, with commas between."""
    return ", ".join(map(_cell, words))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")

"""The names of a foreign model's classes, from its metadata or from the user."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inference_worker.engine.manifest import check_class_name
from inference_worker.engine.visible import quoted
from inference_worker.importing.errors import ImportRefused

NOT_A_CLASS = "-"
"""Stands for a score that is none of ours, such as a background's."""

MOST_TEXT = 200_000
MOST_CLASSES = 10_000
_HINT = "Give them in the order of the network's scores: --classes a,b,c, or a file."


@dataclass(frozen=True, slots=True)
class Labels:
    """`names` of all the scores of the network, NOT_A_CLASS for those to drop."""

    names: tuple[str, ...]
    source: str

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name != NOT_A_CLASS)

    @property
    def kept(self) -> list[int]:
        """The places of the classes among the network's scores."""
        return [i for i, name in enumerate(self.names) if name != NOT_A_CLASS]


def read_labels(
    given: str | None, metadata: Mapping[str, str], count: int | None
) -> Labels:
    """The user's names, or else the file's.

    `count` is how many scores the network gives, None where its graph does not tell.
    Raises ImportRefused when there are no names, too many, too few or bad ones.
    """
    if given is not None:
        labels = Labels(_given(given), "--classes")
    elif "names" in metadata:
        labels = Labels(_from_metadata(metadata["names"]), "the file's metadata")
    else:
        many = f"its {count} classes" if count else "its classes"
        raise ImportRefused(f"the file does not name {many}", _HINT)
    _check(labels, count)
    return labels


def check_seen(labels: Labels, seen: int) -> None:
    """ImportRefused where the network gave a label beyond the names."""
    if seen > len(labels.names):
        raise ImportRefused(
            f"the network gave class {seen - 1} for a drawn picture,"
            f" {labels.source} names only 0 to {len(labels.names) - 1}",
            _HINT,
        )


def _check(labels: Labels, count: int | None) -> None:
    names = labels.names
    if count is not None and len(names) != count:
        raise ImportRefused(
            f"the network gives {count} scores, {labels.source} names {len(names)}",
            f"{_HINT} Write {NOT_A_CLASS} for a score that is no class, such as"
            " a background.",
        )
    if not labels.classes:
        raise ImportRefused(f"{labels.source} names no class", _HINT)
    for name in labels.classes:
        why = check_class_name(name)
        if why is None and labels.classes.count(name) > 1:
            why = "is there twice"
        if why is not None:
            raise ImportRefused(f"{labels.source}: {quoted(name)} {why}", _HINT)


def _given(text: str) -> tuple[str, ...]:
    """`a,b,c`, or the lines of the file of that name."""
    path = Path(text)
    if "," in text or not path.is_file():
        return tuple(name.strip() for name in text.split(","))
    try:
        with path.open(encoding="utf-8-sig") as file:
            content = file.read(MOST_TEXT + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ImportRefused(
            f"{path}: no text of class names: {error}", _HINT
        ) from error
    _bounded(content, str(path))
    return tuple(line.strip() for line in content.splitlines() if line.strip())


def _from_metadata(text: str) -> tuple[str, ...]:
    """A dict of Python by number, as Ultralytics writes it, or a list of JSON."""
    _bounded(text, "names in the metadata")
    try:
        value = json.loads(text) if text.startswith("[") else ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ImportRefused(
            f"the metadata's names are no list: {quoted(text)}", _HINT
        ) from error
    if isinstance(value, dict):
        value = _in_order(value)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ImportRefused(f"the metadata's names are no list: {quoted(text)}", _HINT)
    if len(value) > MOST_CLASSES:
        raise ImportRefused(f"the metadata names {len(value)} classes", _HINT)
    return tuple(value)


def _in_order(names: Mapping[object, str]) -> Sequence[str] | None:
    """None where the keys are not 0, 1, 2 and so on."""
    if set(names) != set(range(len(names))):
        return None
    return [names[i] for i in range(len(names))]


def _bounded(text: str, what: str) -> None:
    if len(text) > MOST_TEXT:
        raise ImportRefused(
            f"{what}: more than {MOST_TEXT:,} characters of class names", _HINT
        )

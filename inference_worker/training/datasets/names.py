"""Class names out of `data.yaml` or `classes.txt`, without a YAML library.

Only the key `names:` is read, in the forms that labelling tools write: a list, or a
mapping from 0, on one line or on many. Anything cleverer is refused, not guessed.
"""

from __future__ import annotations

import json
import re
from collections import Counter

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.visible import quoted
from inference_worker.training.datasets.labels import check_class, check_count

_QUOTED = r"""'(?:[^']|'')*+'|"(?:[^"\\]|\\.)*+\""""
_KEY = re.compile(r"names\s*:(?:\s+(.*))?$")
_COMMENT = re.compile(rf"(?:(?<=[\s\[{{,:])|^)({_QUOTED})|(?:^|\s)#.*")
_ITEM = re.compile(rf"\s*({_QUOTED}|[^\s,'\"][^,]*)\s*(?:,\s*|$)")
_NUMBERED = re.compile(r"['\"]?(\d{1,9})['\"]?\s*:\s+(.*)", re.DOTALL)
_CLOSING = {"[": "]", "{": "}"}
_CLEVER = tuple("&*!|>%@`?[]{}'\"")


def names_in_lines(text: str, source: str) -> list[str]:
    """One name a line; empty lines only at the end."""
    return _checked([line.strip() for line in text.rstrip().splitlines()], source)


def names_in_yaml(text: str, source: str) -> list[str]:
    """The names in the order of their numbers. DatasetError when in doubt."""
    lines = [_bare(line) for line in text.splitlines()]
    starts = [i for i, line in enumerate(lines) if _KEY.match(line)]
    if len(starts) != 1:
        raise DatasetError(f"{source}: expected one key names:, found {len(starts)}")
    found = _KEY.match(lines[starts[0]])
    value = (found and found[1] or "").strip()
    rest = lines[starts[0] + 1 :]
    if value[:1] in _CLOSING:
        return _checked(_in_brackets(value, rest, source), source)
    if value:
        raise DatasetError(f"{source}: names is {quoted(value)}; expected a list")
    return _checked(_in_order(_block(rest), source), source)


def _bare(line: str) -> str:
    return _COMMENT.sub(lambda found: found[1] or "", line).rstrip()


def _in_brackets(value: str, rest: list[str], source: str) -> list[str]:
    """The items of `[...]` or `{...}`, which may end on a later line."""
    closing = _CLOSING[value[0]]
    parts = [value, *(line.strip() for line in rest)]
    last = next((i for i, part in enumerate(parts) if part.endswith(closing)), None)
    if last is None:
        raise DatasetError(f"{source}: names: {value[0]} is never closed")
    items, at, body = [], 0, " ".join(parts[: last + 1])[1:-1].strip()
    while at < len(body):
        found = _ITEM.match(body, at)
        if not found:
            raise DatasetError(f"{source}: names: cannot read {body[at : at + 40]!r}")
        items.append(found[1] if closing == "}" else "- " + found[1])
        at = found.end()
    return _in_order(items, source)


def _block(rest: list[str]) -> list[str]:
    """The lines below the key that belong to it."""
    items = []
    for line in rest:
        if line and not line.startswith((" ", "\t", "-")):
            break
        items += [line.strip()] if line else []
    return items


def _in_order(items: list[str], source: str) -> list[str]:
    """From `- name` or `3: name`, the numbers 0 to n - 1 in any order."""
    if all(item.startswith("- ") for item in items):
        return [_scalar(item[2:].strip(), source) for item in items]
    numbered = {}
    for item in items:
        found = _NUMBERED.fullmatch(item)
        if not found:
            raise DatasetError(f"{source}: names: cannot read {quoted(item)}")
        numbered[int(found[1])] = _scalar(found[2].strip(), source)
    if set(numbered) != set(range(len(items))):
        raise DatasetError(f"{source}: names must be numbered 0 to {len(items) - 1}")
    return [numbered[i] for i in range(len(items))]


def _scalar(text: str, source: str) -> str:
    if len(text) > 1 and re.fullmatch(_QUOTED, text):
        return text[1:-1].replace("''", "'") if text[0] == "'" else _double(text)
    if not text or text.startswith(_CLEVER) or ": " in text or text.endswith(":"):
        raise DatasetError(f"{source}: names: {quoted(text)} is not a plain name")
    return text


def _double(text: str) -> str:
    """Escapes as JSON has them, and the `\\xE9` that YAML adds."""
    known = re.sub(
        r"\\(x[0-9a-fA-F]{2}|.)",
        lambda found: "\\u00" + found[1][1:] if len(found[1]) > 1 else found[0],
        text,
    )
    try:
        return str(json.loads(known))
    except ValueError as error:
        raise DatasetError(f"names: cannot read {quoted(text)}: {error}") from error


def _checked(names: list[str], source: str) -> list[str]:
    if not names or not all(names):
        raise DatasetError(f"{source} has {'an empty line' if names else 'no names'}")
    check_count(names, source)
    (often, count), *_ = Counter(names).most_common(1)
    if count > 1:
        raise DatasetError(f"{source}: {quoted(often)} is there twice")
    return [check_class(name, source) for name in names]

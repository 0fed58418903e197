"""Read what OpenCV's FileStorage writes: XML, YAML or JSON.

Files come from strangers and are small, so they are read by parsers that build no
objects, follow no references and open nothing; OpenCV's own reader is native code.
"""

from __future__ import annotations

import json
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import yaml
from defusedxml import DefusedXmlException, ElementTree

MOST_DEEP = 20

Tree = dict[str, Any]
"""Names to numbers, texts, lists and further trees."""


class NotStorage(ValueError):
    """This is no file of OpenCV's FileStorage; the message says why."""


def read_storage(data: bytes) -> Tree:
    """Its top level; matrices keep `rows`, `cols`, `dt` and `data`. Raises NotStorage.

    Numbers may still be texts, as XML and YAML have them.
    """
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise NotStorage(f"not UTF-8 at byte {error.start}") from error
    if text.startswith("<"):
        read: Any = _xml(text)
    elif text.startswith("{"):
        read = _json(text)
    else:
        read = _yaml(text)
    if not isinstance(read, dict) or not read:
        raise NotStorage("no names with values in it")
    return read


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotStorage(str(error)) from error


def _xml(text: str) -> Any:
    try:
        root = ElementTree.fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise NotStorage(str(error)) from error
    return _branch(root, MOST_DEEP)


def _branch(element: Element, deep: int) -> Any:
    if not len(element):
        return (element.text or "").strip()
    if not deep:
        raise NotStorage(f"nested more than {MOST_DEEP} deep")
    return {child.tag: _branch(child, deep - 1) for child in element}


def _yaml(text: str) -> Any:
    """By its events alone. OpenCV 4 begins with `%YAML:1.0`, which is not YAML."""
    if text.startswith("%YAML"):
        text = text.partition("\n")[2]
    try:
        return _built(text)
    except yaml.YAMLError as error:
        raise NotStorage(" ".join(str(error).split())) from error


def _built(text: str) -> Any:
    done: list[Any] = []
    opened: list[list[Any]] = [done]
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise NotStorage(f"a reference (*{event.anchor})")
        if isinstance(event, yaml.ScalarEvent):
            opened[-1].append(event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append([])
            if len(opened) > MOST_DEEP:
                raise NotStorage(f"nested more than {MOST_DEEP} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            values = opened.pop()
            mapping = isinstance(event, yaml.MappingEndEvent)
            opened[-1].append(_mapped(values) if mapping else values)
    return done[0] if done else None


def _mapped(values: list[Any]) -> Tree:
    """Of names and values in turn."""
    pairs = zip(values[::2], values[1::2], strict=True)
    return {str(name): value for name, value in pairs}

"""XML that cannot be made into a bomb: a document type declaration is refused.

Entities, which grow, and external ones, which read other files, need one.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from inference_worker.engine.errors import DatasetError

MAX_BYTES = 16 * 2**20


def parse(path: Path) -> Element:
    """The root element. DatasetError for what is not plain XML of at most 16 MB."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(_bytes(path), True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DatasetError(f"not readable as XML: {error}") from error
    return builder.close()


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DatasetError("larger than 16 MB")
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}") from error


def _refuse(*_: object) -> NoReturn:
    raise DatasetError("it declares a document type (DOCTYPE), which is not allowed")

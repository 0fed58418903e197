"""XML that cannot be made into a bomb: a document type declaration is refused.

Entities, which grow, and external ones, which read other files, need one.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from inference_worker.engine.errors import DatasetError
from inference_worker.engine.label_files import read_label

MAX_BYTES = 16 * 2**20


def parse(path: Path, folder: Path) -> Element:
    """The root element. DatasetError for what is not plain XML of at most 16 MB in
    the folder.
    """
    data = read_label(path, folder, MAX_BYTES, path.name)
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DatasetError(f"not readable as XML: {error}") from error
    return builder.close()


def _refuse(*_: object) -> NoReturn:
    raise DatasetError("it declares a document type (DOCTYPE), which is not allowed")

"""The golden templates that a process used last, decoded and in their photos' size."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from inference_worker.engine.decode import decode_file
from inference_worker.engine.errors import ImageError, TemplateError
from inference_worker.engine.registration import resize
from inference_worker.engine.types import Image

MOST_BYTES = 256 * 2**20

Key = tuple[Path, tuple[int, ...]]


def read_template(path: Path) -> Image:
    """One that cannot be read must not be taken for an unreadable photo."""
    try:
        return decode_file(path)
    except ImageError as error:
        raise TemplateError(f"template {error}", error.hint) from error


class GoldenShelf:
    """Thread-safe; keeps at most `most_bytes`. Files are never looked at again: a
    stored template never changes.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._held = most_bytes, 0
        self._kept: OrderedDict[Key, Image] = OrderedDict()
        self._changing, self._reading = threading.Lock(), threading.Lock()

    def template(self, path: Path, image: Image) -> Image:
        """In the size of the image, read-only. Raises TemplateError, and
        FileNotFoundError for one that is not there.
        """
        key = (path, image.shape)
        found = self._find(key)
        if found is not None:
            return found
        with self._reading:  # one at a time: many photos ask for the same
            found = self._find(key)
            if found is None:
                path.stat()
                found = resize(image, read_template(path))
                found.setflags(write=False)
                self._keep(key, found)
        return found

    def _find(self, key: Key) -> Image | None:
        with self._changing:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: Key, template: Image) -> None:
        if template.nbytes > self._most:
            return
        with self._changing:
            self._kept[key] = template
            self._held += template.nbytes
            while self._held > self._most:
                self._held -= self._kept.popitem(last=False)[1].nbytes

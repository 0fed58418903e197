"""From a network's raw output on the card to the defects of each image.

What `postprocess.find` does for one image, for a batch at once: the kernels choose and
suppress, a few rows come down, and the host takes them back to the photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.backends.base import NOT_FINITE, Source
from inference_worker.engine.boxes import areas
from inference_worker.engine.errors import InferenceFailed
from inference_worker.engine.gpu import Gpu, Memory, Stream
from inference_worker.engine.kernels import source
from inference_worker.engine.optics import as_taken
from inference_worker.engine.postprocess import MAX_CANDIDATES, MAX_DETECTIONS
from inference_worker.engine.types import Detections, FloatArray, IndexArray

LISTED = 4096
"""Candidates of an image that the kernels list; where there are more the host looks."""

SEARCH = np.dtype(
    [
        *(("iou", np.float64), ("threshold", np.float32)),
        *(("candidates", np.int32), ("unfit", np.int32), ("kept", np.int32)),
    ]
)
"""struct Search of find.cu."""

ROW = np.dtype([("box", np.float32, 4), ("score", np.float32), ("class", np.int32)])
"""struct Row of find.cu."""

_BLOCK = 128
_WORDS = -(-MAX_CANDIDATES // 64)


class Finder:
    """Owns the buffers for `most` images. Not thread-safe.

    A table, a row an image, goes up with what is asked and comes down with what was
    found, the boxes kept behind it: both in the one page-locked buffer.
    """

    def __init__(self, card: Gpu, most: int) -> None:
        self._card = card
        text = source("find.cu")
        self._candidates = card.kernel(text, "find_candidates", "PPPPii")
        self._ranks = card.kernel(text, "find_ranks", "PPPP")
        self._overlaps = card.kernel(text, "find_overlaps", "PPP")
        self._kept = card.kernel(text, "find_kept", "PPPP")
        self._behind = most * SEARCH.itemsize
        nbytes = self._behind + most * MAX_DETECTIONS * ROW.itemsize
        self._host: NDArray[np.uint8] = card.pinned((nbytes,), np.uint8)
        self._table = card.alloc(nbytes)
        self._keys = card.alloc(most * LISTED * 8)
        self._rows = card.alloc(most * LISTED * ROW.itemsize)
        self._ranked = card.alloc(most * MAX_CANDIDATES * ROW.itemsize)
        self._bits = card.alloc(most * MAX_CANDIDATES * _WORDS * 8)

    @property
    def device_bytes(self) -> int:
        return sum(memory.nbytes for memory in self._memories())

    def queue(
        self,
        output: Memory,
        shape: tuple[int, ...],
        threshold: float,
        iou: float,
        stream: Stream,
    ) -> None:
        """Queue the search of `output`, float32 (images, anchors, 4 + classes).

        What it finds is there for `found` when the stream has come by, and until the
        next call.
        """
        images, anchors, values = shape
        searches = self._searches(images)
        searches[:] = (iou, threshold, 0, 0, 0)
        self._card.upload(self._table, searches.view(np.uint8), stream)
        self._launch(output, images, anchors, values - 4, stream)
        end = self._behind + images * MAX_DETECTIONS * ROW.itemsize
        self._card.download(self._host[:end], self._table, stream)

    def found(self, sources: Sequence[Source]) -> list[Detections] | None:
        """The defects of each image, as `infer` gives them.

        None where one of them has more candidates than are listed. Raises
        InferenceFailed where the output is not made of numbers.
        """
        searches = self._searches(len(sources))
        if searches["unfit"].any():
            raise InferenceFailed(NOT_FINITE)
        if searches["candidates"].max() > LISTED:
            return None
        kept = searches["kept"]
        rows = self._host[self._behind :].view(ROW).reshape(-1, MAX_DETECTIONS)
        there = np.arange(MAX_DETECTIONS) < kept[:, None]
        return _located(rows[: len(sources)][there], kept, sources)

    def close(self) -> None:
        for memory in self._memories():
            memory.free()

    def _memories(self) -> tuple[Memory, ...]:
        return self._table, self._keys, self._rows, self._ranked, self._bits

    def _searches(self, images: int) -> NDArray[Any]:
        return self._host[: images * SEARCH.itemsize].view(SEARCH)

    def _launch(
        self, output: Memory, images: int, anchors: int, classes: int, stream: Stream
    ) -> None:
        table, keys, rows = self._table.pointer, self._keys.pointer, self._rows.pointer
        ranked, bits = self._ranked.pointer, self._bits.pointer
        block = (_BLOCK, 1, 1)
        grid = (_blocks(anchors), 1, images)
        listed = (table, keys, rows)
        self._candidates(grid, block, stream, output.pointer, *listed, anchors, classes)
        grid = (_blocks(min(anchors, LISTED)), 1, images)
        self._ranks(grid, block, stream, *listed, ranked)
        best = min(anchors, MAX_CANDIDATES)
        grid = (_blocks(best), -(-best // 64), images)
        self._overlaps(grid, block, stream, table, ranked, bits)
        kept = table + self._behind
        self._kept((1, 1, images), (1, 1, 1), stream, table, ranked, bits, kept)


def _blocks(threads: int) -> int:
    return max(1, -(-threads // _BLOCK))


def _located(
    rows: NDArray[Any], kept: NDArray[Any], sources: Sequence[Source]
) -> list[Detections]:
    """Rows of one image after another, `kept` of each, back to their photos."""
    ends = np.concatenate([[0], np.cumsum(kept)])
    boxes = _to_original(rows["box"], ends, sources)
    there = areas(boxes) > 0
    found = Detections(
        boxes[there], rows["score"][there], rows["class"][there].astype(np.int64)
    )
    ends = np.concatenate([[0], np.cumsum(there)])[ends]
    return [
        _taken(found.take(slice(*ends[i : i + 2])), source)
        for i, source in enumerate(sources)
    ]


def _taken(found: Detections, source: Source) -> Detections:
    return as_taken(found, source.optics) if source.optics else found


def _to_original(
    boxes: FloatArray, ends: IndexArray, sources: Sequence[Source]
) -> FloatArray:
    """Images of one geometry, which most often are all of them, in one go."""
    moved = []
    for geometry, same in groupby(range(len(sources)), lambda i: sources[i].geometry):
        places = list(same)
        mine = boxes[ends[places[0]] : ends[places[-1] + 1]]
        moved.append(geometry.to_original(mine))
    return np.concatenate(moved)

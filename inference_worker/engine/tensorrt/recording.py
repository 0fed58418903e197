"""CUDA graphs of an engine's small batches, whose kernels take less time than to launch
them one by one. Larger batches hide that and go without.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from inference_worker.engine.errors import DeviceLost, GpuError
from inference_worker.engine.gpu import Gpu, Stream
from inference_worker.engine.graphs import Graph, record

MOST_RECORDED = 4
"""Images; each shape costs a context and a graph."""

MOST_SHAPES = 64
"""Cameras give few; photos cut in many ways must not fill the card with contexts."""

Shape = tuple[int, ...]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Recorded:
    """A graph with the context that it was recorded of, which nothing may change, and
    the address that it reads from.
    """

    graph: Graph
    context: Any
    answer: Shape
    source: int


class Recorder:
    """On one stream. Where no graph can be recorded it says so once, and `takes`
    nothing from then on.
    """

    def __init__(self, card: Gpu, stream: Stream) -> None:
        self._card, self._stream = card, stream
        self._recorded: dict[Shape, _Recorded] = {}
        self._works = True

    def takes(self, shape: Shape) -> bool:
        room = shape in self._recorded or len(self._recorded) < MOST_SHAPES
        return self._works and shape[0] <= MOST_RECORDED and room

    def launched(self, shape: Shape, source: int) -> Shape | None:
        """The output's shape when there was a graph for these, which was launched."""
        found = self._recorded.get(shape)
        if found is None or found.source != source:
            return None
        found.graph.launch()
        return found.answer

    def record(self, context: Any, shape: Shape, answer: Shape, source: int) -> None:
        """Of a context of its own that has just run with them. Raises DeviceLost."""
        self._drop(shape)
        try:
            graph = record(
                self._card,
                self._stream,
                lambda: bool(context.execute_async_v3(self._stream.handle)),
            )
        except DeviceLost:
            raise
        except GpuError as error:
            log.warning("going on without CUDA graphs: %s", error)
            self._works = False
            self.close()
        else:
            self._recorded[shape] = _Recorded(graph, context, answer, source)

    def close(self) -> None:
        for shape in list(self._recorded):
            self._drop(shape)

    def _drop(self, shape: Shape) -> None:
        found = self._recorded.pop(shape, None)
        if found is not None:
            found.graph.close()

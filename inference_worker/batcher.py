"""One thread owns the device and looks at several images in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from inference_worker.engine.errors import TemplateMissing
from inference_worker.engine.types import Detections, Image
from inference_worker.gatherer import Gatherer

MAX_BATCH = 8


class Looker(Protocol):
    """What the batcher needs of a detector."""

    @property
    def wants_templates(self) -> bool: ...

    def infer(
        self, images: Sequence[Image], templates: Sequence[Image] | None = None
    ) -> list[Detections]: ...


@dataclass(frozen=True, eq=False)
class Look:
    """An image to look at, with its golden template where the model wants one."""

    image: Image
    template: Image | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen. Times are of `time.monotonic`, the same for the whole batch."""

    detections: Detections
    started: float
    ended: float
    batch: int


class Batcher:
    """Fills batches from what is waiting; images go together that `bucket` alike."""

    def __init__(
        self,
        detector: Looker,
        *,
        bucket: Callable[[Image], Hashable] = lambda image: image.shape,
        most: int = MAX_BATCH,
    ) -> None:
        self._detector = detector
        self.thread: Gatherer[Look, Seen] = Gatherer(
            "batcher", self._look, most=most, kind=lambda look: bucket(look.image)
        )

    def submit(self, image: Image, template: Image | None = None) -> Future[Seen]:
        """Raises Overloaded, and TemplateMissing before it can join a batch. The future
        raises what the detector raises on this one.
        """
        if self._detector.wants_templates and template is None:
            raise TemplateMissing("the detector wants a template beside each image")
        return self.thread.submit(Look(image, template))

    def _look(self, looks: list[Look]) -> list[Seen]:
        started = time.monotonic()
        found = self._detector.infer(
            [look.image for look in looks], self._templates(looks)
        )
        ended = time.monotonic()
        return [Seen(detections, started, ended, len(looks)) for detections in found]

    def _templates(self, looks: list[Look]) -> list[Image] | None:
        """As many as images, in their order."""
        if not self._detector.wants_templates:
            return None
        return [look.template for look in looks if look.template is not None]

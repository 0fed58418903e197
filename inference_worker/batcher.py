"""One thread owns the device and looks at several images in one call."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from inference_worker.engine.api import Detector
from inference_worker.engine.errors import TemplateMissing
from inference_worker.engine.types import Detections, Image
from inference_worker.gatherer import Gatherer, Priority
from inference_worker.ladder.standing import Looked

MAX_BATCH = 8


class Looker(Protocol):
    """What the batcher needs of a ladder."""

    @property
    def wants_templates(self) -> bool: ...

    def infer(
        self, images: Sequence[Image], templates: Sequence[Image] | None = None
    ) -> Looked: ...

    def close(self) -> None: ...


@dataclass(frozen=True, eq=False)
class Look:
    """An image to look at, with its golden template where the model wants one."""

    image: Image
    template: Image | None = None


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen, and by what.

    Times are of `time.monotonic`, the same for the whole batch; of the time between
    them `lost_seconds` went into backends that did not hold.
    """

    detections: Detections
    started: float
    ended: float
    batch: int
    detector: Detector
    lost_seconds: float


class Batcher:
    """Fills batches from what is waiting; images go together that `bucket` alike."""

    def __init__(
        self,
        looker: Looker,
        *,
        bucket: Callable[[Image], Hashable] = lambda image: image.shape,
        most: int = MAX_BATCH,
    ) -> None:
        self._looker = looker
        self.thread: Gatherer[Look, Seen] = Gatherer(
            "batcher", self._look, most=most, kind=lambda look: bucket(look.image)
        )

    @property
    def wants_templates(self) -> bool:
        return self._looker.wants_templates

    def submit(
        self,
        image: Image,
        template: Image | None = None,
        *,
        priority: Priority = Priority.FIRST,
        deadline: float = math.inf,
    ) -> Future[Seen]:
        """See Gatherer.submit. Raises TemplateMissing before it can join a batch. The
        future raises what the looker raises on this one.
        """
        if self.wants_templates and template is None:
            raise TemplateMissing("the detector wants a template beside each image")
        look = Look(image, template)
        return self.thread.submit(look, priority=priority, deadline=deadline)

    def close(self) -> None:
        """Look at what waits, then give the backend back."""
        self.thread.close()
        self._looker.close()

    def _look(self, looks: list[Look]) -> list[Seen]:
        started = time.monotonic()
        seen = self._looker.infer(
            [look.image for look in looks], self._templates(looks)
        )
        about = (started, time.monotonic(), len(looks), seen.detector)
        return [Seen(found, *about, seen.lost_seconds) for found in seen.found]

    def _templates(self, looks: list[Look]) -> list[Image] | None:
        """As many as images, in their order."""
        if not self.wants_templates:
            return None
        return [look.template for look in looks if look.template is not None]

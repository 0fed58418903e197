"""One thread owns the device and looks at several images in one call."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference_worker.engine.api import Detector
from inference_worker.engine.errors import TemplateMissing
from inference_worker.engine.optics import Optics
from inference_worker.engine.types import Detections, Image
from inference_worker.gatherer import Gatherer, Priority
from inference_worker.ladder.standing import Looked
from inference_worker.measures import BATCH

Canvas = tuple[int, int]
"""Height and width that the network sees."""


class Looker(Protocol):
    """What the batcher needs of a ladder."""

    @property
    def wants_templates(self) -> bool: ...

    @property
    def most(self) -> int:
        """Images that share a call now."""

    def frame(self, canvas: Canvas) -> Canvas:
        """Images whose canvases have the same one may share a call now."""

    def room(self, nbytes: int) -> NDArray[np.uint8] | None:
        """Where a photo should lie now; see `Backend.room`."""

    def infer(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None = None,
        optics: Sequence[Optics | None] | None = None,
    ) -> Looked: ...

    def close(self) -> None: ...


@dataclass(frozen=True, eq=False)
class Look:
    """An image to look at, with its golden template where the model wants one, and
    what its camera needs.
    """

    image: Image
    template: Image | None
    optics: Optics | None
    canvas: Canvas


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
    """Fills batches from what is waiting, up to what the looker takes at that moment.

    `bucket` gives the canvas of a (height, width), whatever camera it is from.
    """

    def __init__(
        self,
        looker: Looker,
        *,
        bucket: Callable[[tuple[int, int]], Canvas] = lambda size: size,
    ) -> None:
        self._looker, self._bucket = looker, bucket
        self.thread: Gatherer[Look, Seen] = Gatherer(
            "batcher",
            self._look,
            most=lambda: looker.most,
            kind=lambda look: looker.frame(look.canvas),
        )

    @property
    def wants_templates(self) -> bool:
        return self._looker.wants_templates

    def room(self, nbytes: int) -> NDArray[np.uint8] | None:
        """Memory to decode a photo into, from which it is looked at soonest."""
        return self._looker.room(nbytes)

    def submit(
        self,
        image: Image,
        template: Image | None = None,
        optics: Optics | None = None,
        *,
        priority: Priority = Priority.FIRST,
        deadline: float = math.inf,
    ) -> Future[Seen]:
        """See Gatherer.submit. Raises TemplateMissing and CameraMismatch before it can
        join a batch. The future raises what the looker raises on this one.
        """
        if self.wants_templates and template is None:
            raise TemplateMissing("the detector wants a template beside each image")
        if optics is not None:
            optics.check(image)
        size = optics.shape if optics else image.shape[:2]
        look = Look(image, template, optics, self._bucket(size))
        return self.thread.submit(look, priority=priority, deadline=deadline)

    def close(self) -> None:
        """Look at what waits, then give the backend back."""
        self.thread.close()
        self._looker.close()

    def _look(self, looks: list[Look]) -> list[Seen]:
        BATCH.observe(len(looks))
        started = time.monotonic()
        seen = self._looker.infer(
            [look.image for look in looks],
            self._templates(looks),
            [look.optics for look in looks],
        )
        about = (started, time.monotonic(), len(looks), seen.detector)
        return [Seen(found, *about, seen.lost_seconds) for found in seen.found]

    def _templates(self, looks: list[Look]) -> list[Image] | None:
        """As many as images, in their order."""
        if not self.wants_templates:
            return None
        return [look.template for look in looks if look.template is not None]

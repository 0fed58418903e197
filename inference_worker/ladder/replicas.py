"""Several of one small model on a card: a full batch is shared out among them.

While one of them waits for the card, another one's photos are copied and its boxes
found. Each has a stream of its own; who asks sees one detector.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from inference_worker.engine.api import Detector
from inference_worker.engine.optics import Optics
from inference_worker.engine.types import Detections, Image

LEAST_SHARE = 4
"""Images: a smaller share costs more than it brings."""


@dataclass(frozen=True, slots=True)
class Replicated(Detector):
    """`runner` looks at the first share and at all small batches, `others` at the rest.

    What one of them raises is raised when all have come to an end.
    """

    others: tuple[Detector, ...] = ()
    _pool: ThreadPoolExecutor = field(
        default_factory=partial(ThreadPoolExecutor, thread_name_prefix="replica")
    )

    def infer(
        self,
        images: Sequence[Image],
        templates: Sequence[Image] | None = None,
        optics: Sequence[Optics | None] | None = None,
        *,
        threshold: float | None = None,
    ) -> list[Detections]:
        """See Backend.infer."""
        shares = list(_shares(len(images), 1 + len(self.others)))
        look = partial(_look, images, templates, optics, threshold)
        given = [
            self._pool.submit(look, other, share)
            for other, share in zip(self.others, shares[1:], strict=False)
        ]
        try:
            found = look(Detector(self.runner), shares[0])
        finally:
            failed = [error for one in given if (error := one.exception())]
        if failed:
            raise failed[0]
        return [*found, *(seen for one in given for seen in one.result())]

    @property
    def each(self) -> tuple[Detector, ...]:
        return (Detector(self.runner), *self.others)

    def close(self) -> None:
        self._pool.shutdown()
        for other in self.others:
            other.close()
        self.runner.close()


def each_of(detector: Detector) -> tuple[Detector, ...]:
    return detector.each if isinstance(detector, Replicated) else (detector,)


def replicated(detector: Detector, other: Detector) -> Replicated:
    """With one more."""
    first, *more = each_of(detector)
    return Replicated(first.runner, (*more, other))


def _shares(images: int, most: int) -> Iterator[slice]:
    """At most so many, as equal as can be, each worth it."""
    count = max(1, min(most, images // LEAST_SHARE))
    for number in range(count):
        yield slice(number * images // count, (number + 1) * images // count)


def _look(
    images: Sequence[Image],
    templates: Sequence[Image] | None,
    optics: Sequence[Optics | None] | None,
    threshold: float | None,
    detector: Detector,
    share: slice,
) -> list[Detections]:
    return detector.infer(
        images[share],
        templates and templates[share],
        optics and optics[share],
        threshold=threshold,
    )

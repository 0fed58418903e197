"""For which shapes an engine is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference_worker.engine.manifest import Manifest

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """Shapes (images, channels, height, width) that one set of kernels is chosen for,
    fastest at `best`.
    """

    least: Shape
    best: Shape
    most: Shape

    def takes(self, shape: Shape) -> bool:
        """Every side from the least to the most."""
        within = zip(self.least, shape, self.most, strict=True)
        return len(shape) == len(self.most) and all(a <= n <= b for a, n, b in within)

    def as_json(self) -> list[list[int]]:
        return [list(self.least), list(self.best), list(self.most)]

    @classmethod
    def from_json(cls, told: Sequence[Sequence[int]]) -> Profile:
        least, best, most = (tuple(shape) for shape in told)
        return cls(least, best, most)


def profiles_of(manifest: Manifest, images: int) -> tuple[Profile, ...]:
    """One for each size of the model's, from one image to `images` in a call.

    Canvases are the square of that size: a profile over a range of sides would be
    slower at each and need the memory of the largest.
    """
    spec = manifest.input
    most = spec.batch or images
    frames = [spec.canvas] if spec.canvas else [(side, side) for side in spec.sizes]
    return tuple(
        Profile(
            (1, spec.channels, *frame),
            (_usual(most), spec.channels, *frame),
            (most, spec.channels, *frame),
        )
        for frame in frames
    )


def _usual(most: int) -> int:
    """A line's photos come one by one; under load batches are half full."""
    return max(1, most // 4)

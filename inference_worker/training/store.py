"""Pictures where the network is: whole sets on the device when they fit."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inference_worker.training.augment import Batch
from inference_worker.training.boxes import Targets
from inference_worker.training.pictures import Pictures

log = logging.getLogger(__name__)

_COLUMNS = 600  # boxes of one picture that are learnt from, at most
_FREE = 0.6  # share of the device's free memory that pictures may take


@dataclass(frozen=True)
class Stored:
    """Pictures uint8 (n, planes, H, W), on the device or beside it, with targets there.

    `share` of every epoch's views come from here; see `batches`.
    """

    images: Tensor
    templates: Tensor | None
    targets: Targets
    share: float

    def __len__(self) -> int:
        return len(self.images)

    def take(self, keep: Sequence[int]) -> Stored:
        """The pictures of these indices, where these are."""
        at = torch.tensor(keep, dtype=torch.long)
        images = at.to(self.images.device)
        return Stored(
            self.images[images],
            None if self.templates is None else self.templates[images],
            self.targets.take(at.to(self.targets.labels.device)),
            self.share,
        )

    def batch(self, at: Tensor, device: torch.device) -> Batch:
        """The pictures of these indices as numbers in 0..1, on the device."""
        templates = self.templates
        return Batch(
            _lit(self.images, at, device),
            None if templates is None else _lit(templates, at, device),
            self.targets.take(at.to(device)),
        )


def store(
    pictures: Pictures, share: float, device: torch.device, columns: int = 0
) -> Stored:
    """On the device if there is room for all of it, else in memory.

    `columns` boxes of an image are kept, all of them if 0.
    """
    room = _room(device)
    size = pictures.images.nbytes * (1 if pictures.templates is None else 2)
    where = device if size < room else torch.device("cpu")
    if where != device:
        log.info(
            "%.1f GB of pictures stay in memory: no room on %s", size / 1e9, device
        )
    templates = pictures.templates
    return Stored(
        torch.from_numpy(pictures.images).to(where),
        None if templates is None else torch.from_numpy(templates).to(where),
        _targets(pictures, device, columns or most_boxes([pictures])),
        share,
    )


def store_all(
    sets: Sequence[tuple[Pictures, float]], device: torch.device
) -> list[Stored]:
    """Sets that are trained on together: their batches all have one shape, with room
    for what four quarters of crowded pictures show.
    """
    most = most_boxes([pictures for pictures, _ in sets])
    columns = min(_COLUMNS, max(2 * most, most + 8))
    return [store(pictures, share, device, columns) for pictures, share in sets]


def most_boxes(sets: Sequence[Pictures]) -> int:
    """The most boxes that one picture has; 1 where none has any."""
    return max(1, *(len(truth) for one in sets for truth in one.truth), 1)


def views_of(sets: Sequence[Stored]) -> list[int]:
    """How many pictures of each set an epoch shows: the first set's once."""
    views = len(sets[0]) / sets[0].share
    return [len(sets[0]), *(round(views * one.share) for one in sets[1:])]


def batches(sets: Sequence[Stored], size: int, device: torch.device) -> Iterator[Batch]:
    """One epoch: the first set once, the others beside it by their shares.

    The odd rest of the views is left for another epoch.
    """
    counts = views_of(sets)
    pairs = torch.cat(
        [
            torch.stack([torch.full((count,), i), _order(len(one), count)], 1)
            for i, (one, count) in enumerate(zip(sets, counts, strict=True))
        ]
    )
    pairs = pairs[torch.randperm(len(pairs))]
    size = min(size, len(pairs))
    for start in range(0, len(pairs) - size + 1, size):
        chosen = pairs[start : start + size]
        yield _together(sets, chosen, device)


def _together(sets: Sequence[Stored], chosen: Tensor, device: torch.device) -> Batch:
    parts = []
    for i, one in enumerate(sets):
        at = chosen[chosen[:, 0] == i, 1]
        if len(at):
            parts.append(one.batch(at, device))
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: Sequence[Batch]) -> Batch:
    golden = [part.templates for part in parts if part.templates is not None]
    targets = [part.targets for part in parts]
    return Batch(
        torch.cat([part.images for part in parts]),
        torch.cat(golden) if golden else None,
        Targets(
            torch.cat([one.boxes for one in targets]),
            torch.cat([one.labels for one in targets]),
            torch.cat([one.known for one in targets]),
        ),
    )


def _order(n: int, count: int) -> Tensor:
    """`count` indices of n things, each as often as any other."""
    rounds = -(-count // n)
    return torch.cat([torch.randperm(n) for _ in range(rounds)])[:count]


def _lit(pictures: Tensor, at: Tensor, device: torch.device) -> Tensor:
    chosen = pictures[at.to(pictures.device)]
    return chosen.to(device, non_blocking=True).float() / 255


def _targets(pictures: Pictures, device: torch.device, most: int) -> Targets:
    boxes = np.zeros((len(pictures), most, 4), np.float32)
    labels = np.full((len(pictures), most), -1, np.int64)
    for i, truth in enumerate(pictures.truth):
        count = min(most, len(truth))
        boxes[i, :count] = truth.boxes[:count]
        labels[i, :count] = truth.class_ids[:count]
    looked = [name in pictures.known for name in pictures.classes]
    known = torch.tensor(looked, device=device).expand(len(pictures), -1)
    return Targets(
        torch.from_numpy(boxes).to(device), torch.from_numpy(labels).to(device), known
    )


def _room(device: torch.device) -> float:
    if device.type != "cuda":
        return float("inf")
    free, _ = torch.cuda.mem_get_info(device)
    return _FREE * free

"""Which images show the same thing, so that none helps to judge another.

1. Copies: the same bytes.
2. Names in one folder that are equal without what augmentation, cropping and copying
   add: `board12_aug3`, `IMG_001_jpg.rf.<32 hex>`, `xyz_crop2`, `name(1)`. A number in
   brackets that more than MANY_COPIES images carry is a counter, not a copy; and a
   name that more than half of many images share says nothing.
3. A board and a crop number: `20085000` (board 20085, crop 000), `board12_003`. What
   stands before the counter must hold a digit (`crazing_12` is a class and a number),
   the numbers must not simply run on (`000001` to `009963`), and the groups must not
   be the classes. It counts only when it gives MIN_GROUPS or more and the largest holds
   less than MAX_SHARE of the images; DeepPCB's seven boards do not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

from inference_worker.training.datasets.records import Labelled

MIN_GROUPS, MAX_SHARE = 20, 0.2
MANY, MANY_COPIES = 20, 10

_ROBOFLOW = re.compile(r"(_(jpe?g|png|bmp|tiff?|webp))?\.rf\.[0-9a-f]{32}$", re.I)
_MADE = re.compile(
    r"(?<=.)[ _.-]+(aug|augmented|crop|copy|flip|hflip|vflip|rot|rotated|mirror)"
    r"[ _.-]?\d*$",
    re.I,
)
_BRACKETS = re.compile(r"(?<=.)\s*\(\d+\)$")
_COUNTER = re.compile(r"(.*?)[ _.-]*(\d+)$")

Names = list[Hashable | None]


def groups_of(samples: Sequence[Labelled]) -> list[list[int]]:
    """The indices of each group, every sample in exactly one; in order."""
    links: list[Names] = [[one.digest or None for one in samples], _originals(samples)]
    links.append(_boards(samples))
    return _joined(len(samples), links)


def _originals(samples: Sequence[Labelled]) -> Names:
    """The name that each image had before somebody multiplied it."""
    bare = [_BRACKETS.sub("", _stripped(one.path.stem)) for one in samples]
    folders = [one.path.parent for one in samples]
    copies = Counter(zip(folders, bare, strict=True))
    names: Names = []
    for one, folder, name in zip(samples, folders, bare, strict=True):
        stem = _stripped(one.path.stem)
        counted = name != stem and copies[folder, name] > MANY_COPIES
        names.append((folder, stem if counted else name))
    common = {name for name, n in Counter(names).items() if n > len(names) / 2}
    if len(names) > MANY:
        return [None if name in common else name for name in names]
    return names


def _stripped(stem: str) -> str:
    while (shorter := _MADE.sub("", _ROBOFLOW.sub("", stem))) != stem:
        stem = shorter
    return stem


def _boards(samples: Sequence[Labelled]) -> Names:
    """The board of each image, or None for all where the names do not tell."""
    boards = [_board(_stripped(one.path.stem)) for one in samples]
    names: Names = [
        board and (one.path.parent, board[0])
        for one, board in zip(samples, boards, strict=True)
    ]
    sizes = Counter(name for name in names if name is not None)
    telling = (
        len(sizes) >= MIN_GROUPS
        and max(sizes.values()) < MAX_SHARE * len(samples)
        and not _runs_on([board[1] for board in boards if board])
        and not _tells_class(samples, names)
    )
    return names if telling else [None] * len(samples)


def _board(stem: str) -> tuple[str, tuple[str, int, int]] | None:
    """What stands before the counter, and where it stands in a running series."""
    found = _COUNTER.fullmatch(stem)
    if not found:
        return None
    head, digits = found.groups()
    place = (head, len(digits), int(digits))
    if any(letter.isdigit() for letter in head):
        return head, place
    return (head + digits[:-3], place) if len(digits) >= 6 else None


def _runs_on(places: Iterable[tuple[str, int, int]]) -> bool:
    """Whether one series of long numbers is counted through, with few gaps."""
    series: dict[str, list[int]] = defaultdict(list)
    for head, length, number in places:
        if not any(letter.isdigit() for letter in head):
            series[f"{head} {length}"].append(number)
    spans = sum(max(some) - min(some) + 1 for some in series.values())
    return 0 < spans <= 2 * sum(map(len, series.values()))


def _tells_class(samples: Sequence[Labelled], names: Names) -> bool:
    """Whether half of the classes or more have several images, all in one group."""
    images: dict[int, list[Hashable]] = defaultdict(list)
    for sample, name in zip(samples, names, strict=True):
        for label in set(sample.class_ids.tolist()):
            images[label].append(sample.path if name is None else name)
    lone = sum(len(some) > 1 and len(set(some)) == 1 for some in images.values())
    return lone > 0 and 2 * lone >= len(images)


def _joined(count: int, links: Sequence[Names]) -> list[list[int]]:
    """Images that share a name in any of the links, directly or by way of others."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for names in links:
        first: dict[Hashable, int] = {}
        for i, name in enumerate(names):
            if name is not None:
                a, b = sorted((root(first.setdefault(name, i)), root(i)))
                parent[b] = a
    groups: dict[int, list[int]] = defaultdict(list)
    for i in range(count):
        groups[root(i)].append(i)
    return list(groups.values())

"""Golden images beside the labelled ones: `templates/`, the same names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from inference_worker.engine.errors import ImageError
from inference_worker.training.datasets.labels import Claim, Labels, Tree, subfolder
from inference_worker.training.datasets.survey import Seen, look_at


def find_templates(
    labels: Labels, folder: Path, whole: Sequence[tuple[Claim, Seen]]
) -> dict[str, Path]:
    """The template of each file that has a usable one; remarks on the others.

    Nothing is remarked when the folder has no `templates/`.
    """
    root = subfolder(folder, "templates")
    if root is None:
        return {}
    tree = Tree(root)
    named = [(one, seen, tree.find(_name(one.file))) for one, seen in whole]
    there = [(one, seen, path) for one, seen, path in named if path is not None]
    for one, _, path in named:
        if path is None:
            labels.note(one.file, "template_missing", "templates/ has none of its name")
    looks = look_at([path for _, _, path in there])
    return {
        one.file: path
        for (one, seen, path), look in zip(there, looks, strict=True)
        if _fits(labels, one.file, seen, look)
    }


def _name(file: str) -> str:
    name = PurePosixPath(file.replace("\\", "/")).as_posix()
    return name.removeprefix("images/")


def _fits(labels: Labels, file: str, seen: Seen, look: Seen | ImageError) -> bool:
    if isinstance(look, ImageError):
        labels.note(file, "template_unreadable", f"its template: {look}")
    elif look.size != seen.size:
        sizes = "{} x {}, the image {} x {}".format(*look.size, *seen.size)
        labels.note(file, "template_size", f"its template is {sizes}; not used")
    else:
        return True
    return False

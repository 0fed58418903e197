"""Split a labelled COCO folder by board: some boards to learn from, others to judge by.

DeepPCB's names are a board of five digits and a crop number. Crops of one board look
alike, so images held back at random say more than new boards will.

    python -m benchmarks.detector.by_board FOLDER OUT --held 77000 92000

writes OUT/train and OUT/held with links to the images and templates.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

_BOARD = 5  # digits of a name that tell the board


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--held", nargs="+", required=True, metavar="BOARD")
    args = parser.parse_args()
    counts = split(args.folder, args.out, args.held)
    print(", ".join(f"{name}: {count} images" for name, count in counts.items()))


def split(folder: Path, out: Path, held: Collection[str]) -> dict[str, int]:
    """Write both folders; gives how many images each has."""
    content = json.loads((folder / "annotations.json").read_text())
    parts: dict[str, list[dict[str, Any]]] = {"train": [], "held": []}
    for image in content["images"]:
        part = "held" if image["file_name"][:_BOARD] in held else "train"
        parts[part].append(image)
    for name, images in parts.items():
        _write(folder, out / name, content, images)
    return {name: len(images) for name, images in parts.items()}


def _write(
    folder: Path, out: Path, content: dict[str, Any], images: list[dict[str, Any]]
) -> None:
    kept = {image["id"] for image in images}
    boxes = [one for one in content["annotations"] if one["image_id"] in kept]
    out.mkdir(parents=True)
    for kind in ("images", "templates"):
        (out / kind).mkdir()
        for image in images:
            source = (folder / kind / image["file_name"]).resolve()
            if source.exists():
                (out / kind / image["file_name"]).symlink_to(source)
    text = json.dumps({**content, "images": images, "annotations": boxes})
    (out / "annotations.json").write_text(text)


if __name__ == "__main__":
    main()

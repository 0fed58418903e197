"""`python -m traceability.demo.boards FOLDER`: draw boards into a COCO folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from traceability.demo.boards.folder import (
    pictures,
    product_photos,
    training_samples,
    write_folder,
)
from traceability.demo.boards.model import Sample
from traceability.demo.boards.photos import planted


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m traceability.demo.boards")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--products", action="store_true", help="photos of a few products instead"
    )
    parser.add_argument(
        "--on",
        type=Path,
        metavar="TEMPLATES",
        help="plant defects on the clean photos in this folder instead",
    )
    args = parser.parse_args()
    print(write_folder(args.folder, _samples(args)), "images")


def _samples(args: argparse.Namespace) -> Iterator[Sample]:
    if args.on:
        return planted(pictures(args.on), args.count, args.seed)
    draw = product_photos if args.products else training_samples
    return draw(args.count, args.seed)


if __name__ == "__main__":
    main()

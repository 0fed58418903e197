"""`python -m traceability.demo.boards FOLDER`: draw boards into a COCO folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from traceability.demo.boards.folder import (
    product_photos,
    training_samples,
    write_folder,
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m traceability.demo.boards")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--products", action="store_true", help="photos of a few products instead"
    )
    args = parser.parse_args()
    draw = product_photos if args.products else training_samples
    print(write_folder(args.folder, draw(args.count, args.seed)), "images")


if __name__ == "__main__":
    main()

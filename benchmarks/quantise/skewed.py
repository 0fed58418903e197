"""What a skewed calibration set costs, beside a stratified one of the same size.

    python -m benchmarks.quantise.skewed --model engines/pcb-defects/2 --test FOLDER

Ranges are measured on boards of our own drawing: stratified over classes and normal
ones, with one class only on one product, without a normal one, normal ones alone, and
on eight boards. Figures are those of OpenVINO in int8 on the labelled folder.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import numpy as np

from inference_worker.commands.models import open_version
from inference_worker.engine.api import Detector
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.coco import Sample as Labelled
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.store import MODEL
from inference_worker.evaluation import find_all, measure, read_labelled
from inference_worker.quantise.calibration import skew, stratified
from inference_worker.quantise.drawn import write_samples
from inference_worker.quantise.trial import candidates
from traceability.demo.boards import (
    ALL,
    CLASSES,
    Sample,
    draw_product_photo,
    draw_sample,
)

HEAD = """\
| images for the ranges | method | mAP@0.5 | points | warned of |
|---|---|---|---|---|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--test-images", type=int, default=250)
    args = parser.parse_args()
    version = open_version(args.model)
    manifest, model = version.manifest, version.read(MODEL)
    templates = manifest.input.channels == 6
    test = read_labelled(args.test, manifest.classes, templates)
    test = [test[i] for i in stratified(test, args.test_images, 0)]
    whole = reached(manifest, model, "f32", test)
    print(f"float: mAP@0.5 {whole.map50:.4f} on {len(test)} images\n\n{HEAD}")
    with tempfile.TemporaryDirectory() as work:
        for name, boards in SETS.items():
            folder = write_samples(Path(work) / name, islice(boards(), args.images))
            chosen = read_labelled(folder, manifest.classes, templates)
            told = "; ".join(skew(chosen, manifest.classes)) or "nothing"
            for method, data in candidates(manifest, model, chosen).items():
                found = reached(manifest, data, "int8", test).map50
                drop = 100 * (found - whole.map50)
                row = (name, method, f"{found:.4f}", f"{drop:+.2f}", told)
                print(f"| {' | '.join(row)} |", flush=True)


def stratified_boards() -> Iterator[Sample]:
    """Any boards, and as many without a defect as show one class."""
    for i in count():
        ingredients = replace(ALL, normal_boards=False)
        yield draw_sample(np.random.default_rng((1, i)), 640, ingredients)
        if i % len(CLASSES) == 0:
            yield normal_board(i)


def normal_board(i: int) -> Sample:
    board = draw_sample(np.random.default_rng((2, i)))
    return replace(board, image=board.template_image, boxes=[])


SETS: dict[str, Callable[[], Iterator[Sample]]] = {
    "stratified": stratified_boards,
    "one class, one product": lambda: (
        draw_product_photo(7, ["open"] * 4, np.random.default_rng(i)) for i in count()
    ),
    "no normal board": lambda: (
        draw_sample(np.random.default_rng((1, i)), 640, ALL.without("normal_boards"))
        for i in count()
    ),
    "normal boards alone": lambda: (normal_board(i) for i in count()),
    "eight boards": lambda: islice(stratified_boards(), 8),
}


def reached(
    manifest: Manifest, model: bytes, precision: str, test: Sequence[Labelled]
) -> Metrics:
    """The figures of OpenVINO in this precision."""
    runner = open_backend("openvino", manifest, model, precision=precision)
    detector = Detector(runner)
    return measure(detector, test, list(find_all(detector, test)))


if __name__ == "__main__":
    main()

"""What a skewed calibration set costs, beside a stratified one of the same size.

    python -m benchmarks.quantise.skewed --model engines/pcb-defects/2 \\
        --coco CALIBRATION --test OTHER [--images 100]

Ranges are measured on images of `--coco`: stratified, of one class only, without a
normal image, on eight images. Figures are those of OpenVINO in int8 on `--test`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from inference_worker.commands.models import open_version
from inference_worker.engine.api import Detector
from inference_worker.engine.backends.registry import open_backend
from inference_worker.engine.coco import Sample
from inference_worker.engine.manifest import Manifest
from inference_worker.engine.metrics import Metrics
from inference_worker.engine.store import MODEL
from inference_worker.evaluation import find_all, measure, read_labelled
from inference_worker.quantise.calibration import skew, stratified
from inference_worker.quantise.trial import candidates

HEAD = """\
| images for the ranges | method | mAP@0.5 | points | warned of |
|---|---|---|---|---|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--coco", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--test-images", type=int, default=250)
    args = parser.parse_args()
    version = open_version(args.model)
    manifest, model = version.manifest, version.read(MODEL)
    templates = manifest.input.channels == 6
    samples = read_labelled(args.coco, manifest.classes, templates)
    test = read_labelled(args.test, manifest.classes, templates)
    test = [test[i] for i in stratified(test, args.test_images, 0)]
    whole = reached(manifest, model, "f32", test)
    print(f"float: mAP@0.5 {whole.map50:.4f} on {len(test)} images\n\n{HEAD}")
    for name, chosen in chosen_sets(samples, args.images).items():
        told = "; ".join(skew(chosen, manifest.classes)) or "nothing"
        for method, data in candidates(manifest, model, chosen).items():
            found = reached(manifest, data, "int8", test).map50
            drop = 100 * (found - whole.map50)
            print(
                f"| {name} | {method} | {found:.4f} | {drop:+.2f} | {told} |",
                flush=True,
            )


def chosen_sets(samples: Sequence[Sample], count: int) -> dict[str, list[Sample]]:
    """Images of the same number, chosen well and badly; empty choices are left out."""
    one_class = [s for s in samples if set(s.truth.class_ids.tolist()) == {0}]
    defective = [s for s in samples if len(s.truth)]
    normal = [s for s in samples if not len(s.truth)]
    sets = {
        "stratified": [samples[i] for i in stratified(samples, count, 0)],
        "class 0 alone": one_class[:count],
        "no normal image": [defective[i] for i in stratified(defective, count, 0)],
        "normal images alone": normal[:count],
        "eight images": [samples[i] for i in stratified(samples, 8, 0)],
    }
    return {name: chosen for name, chosen in sets.items() if chosen}


def reached(
    manifest: Manifest, model: bytes, precision: str, test: Sequence[Sample]
) -> Metrics:
    """The figures of OpenVINO in this precision."""
    runner = open_backend("openvino", manifest, model, precision=precision)
    detector = Detector(runner)
    return measure(detector, test, list(find_all(detector, test)))


if __name__ == "__main__":
    main()

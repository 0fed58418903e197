"""The model that ships, on boards it has never seen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inference_worker.adoption import adopt
from inference_worker.engine.api import Detector, load_detector
from inference_worker.engine.boxes import pairwise_iou
from inference_worker.engine.errors import TemplateError
from inference_worker.engine.metrics import evaluate_detections
from inference_worker.engine.types import Detections, Image
from traceability.demo.boards import CLASSES, draw_sample

ENGINES = Path(__file__).resolve().parents[2] / "engines"
MODEL = "pcb-defects"
SEED = 20_261_122

pytestmark = pytest.mark.skipif(
    not (ENGINES / MODEL / "2" / "manifest.json").is_file(),
    reason=f"engines/{MODEL}/2 is not in this checkout",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("site")
    adopt(ENGINES, data, shipped=True)
    return data


@pytest.fixture(scope="module")
def detector(site: Path) -> Detector:
    return load_detector(MODEL, "2", data=site, precision="f32", threads=1)


@pytest.fixture(scope="module")
def drawn() -> tuple[list[Image], list[Detections]]:
    rng = np.random.default_rng(SEED)
    samples = [draw_sample(rng) for _ in range(12)]
    truth = [
        Detections.truth(
            [[b.x, b.y, b.x + b.width, b.y + b.height] for b in sample.boxes],
            [CLASSES.index(b.category) for b in sample.boxes],
        )
        for sample in samples
    ]
    return [sample.image for sample in samples], truth


def same(first: Detections, second: Detections, iou: float) -> bool:
    """Every find of the first has its like in the second."""
    overlaps = pairwise_iou(first.boxes, second.boxes)
    overlaps *= first.class_ids[:, None] == second.class_ids
    return bool((overlaps.max(axis=1, initial=0.0) >= iou).all())


def test_it_knows_the_six_classes_in_the_order_of_the_boards(
    detector: Detector,
) -> None:
    assert detector.classes == tuple(CLASSES)


def test_it_finds_the_defects_of_freshly_drawn_boards(
    detector: Detector, drawn: tuple[list[Image], list[Detections]]
) -> None:
    images, truth = drawn
    found = detector.infer(images, threshold=0.001)
    metrics = evaluate_detections(truth, found, CLASSES, detector.threshold)
    assert metrics.map33 > 0.9
    assert metrics.f > 0.9


def test_one_by_one_gives_what_a_batch_gives(
    detector: Detector, drawn: tuple[list[Image], list[Detections]]
) -> None:
    images = drawn[0][:3]
    alone = [detector.infer([image])[0] for image in images]
    together = detector.infer(images)
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.class_ids, other.class_ids)
        assert np.allclose(one.boxes, other.boxes, atol=0.05)
        assert np.allclose(one.scores, other.scores, atol=1e-3)


@pytest.mark.parametrize("side", [512, 1024])
def test_it_finds_them_at_the_other_sizes_too(
    detector: Detector, drawn: tuple[list[Image], list[Detections]], side: int
) -> None:
    images, truth = drawn[0][:6], drawn[1][:6]
    scale = side / images[0].shape[0]
    scaled = [Detections.truth(one.boxes * scale, one.class_ids) for one in truth]
    resized = [np.asarray(cv2.resize(image, (side, side))) for image in images]
    found = detector.infer(resized, threshold=0.001)
    assert evaluate_detections(scaled, found, CLASSES).map33 > 0.85


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (37, 911)])
def test_it_runs_on_any_shape(detector: Detector, shape: tuple[int, int]) -> None:
    (found,) = detector.infer([np.zeros((*shape, 3), np.uint8)])
    assert (found.boxes[:, 2:] <= [shape[1], shape[0]]).all()


def test_the_precision_chosen_by_default_finds_the_same(
    site: Path,
    detector: Detector,
    drawn: tuple[list[Image], list[Detections]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("INFERENCE_PRECISION_HINT", raising=False)
    usual = load_detector(MODEL, data=site, threads=1)
    images = [image for image, truth in zip(*drawn, strict=True) if len(truth)][:4]
    for some, more in ((detector, usual), (usual, detector)):
        sure = some.infer(images, threshold=0.6)
        every = more.infer(images, threshold=0.4)
        for one, other in zip(sure, every, strict=True):
            assert len(one) > 0
            assert same(one, other, iou=0.8)


def test_the_model_that_sees_templates_wants_the_right_one(site: Path) -> None:
    model = load_detector(f"{MODEL}-template", data=site, precision="f32", threads=1)
    rng = np.random.default_rng(SEED)
    samples = [draw_sample(rng) for _ in range(10)]
    truth = [
        Detections.truth(
            [[b.x, b.y, b.x + b.width, b.y + b.height] for b in sample.boxes],
            [CLASSES.index(b.category) for b in sample.boxes],
        )
        for sample in samples
    ]
    images = [sample.image for sample in samples]
    right = [sample.template_image for sample in samples]
    found = model.infer(images, right, threshold=0.001)
    assert evaluate_detections(truth, found, CLASSES).map33 > 0.95
    for image, wrong in zip(images, right[1:] + right[:1], strict=True):
        with pytest.raises(TemplateError, match="does not show this board"):
            model.infer([image], [wrong])


def test_much_of_what_the_template_shows_too_is_no_defect(site: Path) -> None:
    model = load_detector(f"{MODEL}-template", data=site, precision="f32", threads=1)
    rng = np.random.default_rng(SEED)
    samples = [draw_sample(rng) for _ in range(6)]
    images = [sample.image for sample in samples]
    right = model.infer(images, [sample.template_image for sample in samples])
    itself = model.infer(images, images)
    seen, left = (sum(map(len, found)) for found in (right, itself))
    assert left < 0.6 * seen

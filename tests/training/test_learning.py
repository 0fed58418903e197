"""The parts that need torch: network, assignment, loss, augmentation, export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from inference_worker.engine.types import Detections  # noqa: E402
from inference_worker.training.assign import assign, iou  # noqa: E402
from inference_worker.training.augment import Batch, vary  # noqa: E402
from inference_worker.training.data import LabelledImages  # noqa: E402
from inference_worker.training.loop import fit  # noqa: E402
from inference_worker.training.losses import generalised_iou  # noqa: E402
from inference_worker.training.network import QualityNet  # noqa: E402
from inference_worker.training.settings import Settings  # noqa: E402


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def test_the_network_is_small_and_answers_in_pixels() -> None:
    network = QualityNet(6).eval()
    assert 2e6 < sum(weights.numel() for weights in network.parameters()) < 4e6
    with torch.inference_mode():
        preds = network(torch.rand(2, 3, 96, 128))
    assert preds.shape == (2, 12 * 16 + 6 * 8, 10)
    assert (preds[..., 2:4] > preds[..., :2]).all()
    assert ((preds[..., 4:] > 0) & (preds[..., 4:] < 1)).all()


def test_the_network_takes_as_many_channels_as_it_is_told() -> None:
    with torch.inference_mode():
        assert QualityNet(2, 6).eval()(torch.rand(1, 6, 64, 64)).shape[-1] == 6


def test_overlap_knows_equal_apart_and_nested() -> None:
    one = torch.tensor([[0.0, 0, 10, 10]])
    assert iou(one, one).item() == pytest.approx(1.0)
    assert iou(one, one + 20).item() == 0.0
    assert generalised_iou(one, one).item() == pytest.approx(1.0, abs=1e-5)
    assert generalised_iou(one, one + 20).item() < -0.5


def test_assignment_gives_each_box_its_own_predictions() -> None:
    points = torch.tensor([[4.0, 4, 8], [12.0, 4, 8], [36.0, 36, 8]])
    boxes = torch.tensor([[[0.0, 0, 9, 9], [1.0, 0, 30, 9], [30.0, 30, 41, 42]]])
    scores = torch.full((1, 3, 2), 0.5)
    scores = scores.repeat(1, 4, 1)
    points, boxes = points.repeat(4, 1), boxes.repeat(1, 4, 1)
    drawn = torch.tensor([[[0.0, 0, 10, 10], [30.0, 30, 42, 42], [0, 0, 0, 0]]])
    found = assign(scores, boxes, points, drawn, torch.tensor([[1, 0, -1]]))
    assert found.weights[0, 0] > 0.7
    assert found.scores[0, 0].argmax() == 1
    assert found.weights[0, 1] == 0
    assert found.scores[0, 2].argmax() == 0
    assert torch.equal(found.boxes[0, 2], drawn[0, 1])


def test_boxes_follow_their_pixels_through_augmentation() -> None:
    images = torch.full((32, 3, 64, 64), 0.9)
    images[:, :, 20:36, 24:44] = 0.0
    boxes = torch.tensor([24.0, 20, 44, 36]).repeat(32, 1, 1)
    seen = vary(Batch(images, boxes, torch.zeros(32, 1, dtype=torch.long)))
    for picture, box, label in zip(seen.images, seen.boxes, seen.labels, strict=True):
        if label.item() < 0:
            continue
        rows, columns = torch.nonzero(picture.mean(0) < 0.25, as_tuple=True)
        edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        for edge, side in zip(edges, box[0], strict=True):
            assert abs(edge.item() - side.item()) < 2.5


def test_training_gives_back_averaged_weights() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    truth = [Detections.truth([[8, 8, 40, 40]], [i % 2]) for i in range(4)]
    data = LabelledImages(images, truth, ("dent", "scratch"))
    network = QualityNet(2)
    before = [weights.detach().clone() for weights in network.parameters()]
    trained = fit(network, data, Settings(Path(), epochs=2, batch=2))
    assert not trained.training
    assert any(
        not torch.equal(old, new)
        for old, new in zip(before, trained.parameters(), strict=True)
    )


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_exported_model_equals_the_network_at_every_size(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="the exporter needs onnxscript")
    openvino = pytest.importorskip("openvino")
    from inference_worker.training.export import export

    network = QualityNet(2).eval()
    path = tmp_path / "model.onnx"
    path.write_bytes(export(network, ("dent", "scratch")))
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(path), "CPU", exact)
    for shape in ((1, 512, 512), (1, 640, 640), (1, 1024, 1024)):
        images = torch.rand(shape[0], 3, *shape[1:])
        with torch.inference_mode():
            expected = network(images).numpy()
        assert np.abs(compiled(images.numpy())[0] - expected).max() < 1e-3

"""Beginning from a released model: the network computes what the model computes."""

from __future__ import annotations

from tests.training import torch_here  # isort: skip # noqa: F401 - skips without torch

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from onnxruntime import InferenceSession

from inference_worker.commands.models import SHIPPED
from inference_worker.engine.manifest import Manifest
from inference_worker.training.network import QualityNet
from inference_worker.training.start import Start
from inference_worker.training.weights import begin_from

OURS = SHIPPED / "pcb-defects" / "2"
"""Exported from a network built like today's."""
FIRST = SHIPPED / "pcb-defects" / "1"
"""Exported from an earlier one, of other parts."""


def start_of(version: Path, model: bytes | None = None) -> Start:
    manifest = Manifest.parse((version / "manifest.json").read_bytes())
    return Start(manifest, model or (version / "model.onnx").read_bytes(), named=True)


CLASSES = start_of(OURS).manifest.classes


def photos(count: int = 4, size: int = 128) -> torch.Tensor:
    """Soft blobs: statistics of pure noise are too much alike everywhere."""
    coarse = torch.rand(count, 3, size // 16, size // 16)
    return torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")


def begun(
    version: Path,
    examples: torch.Tensor,
    classes: tuple[str, ...] | None = None,
    channels: int = 3,
) -> tuple[QualityNet, int, int]:
    """The network, how many tensors fitted, and of how many."""
    start = start_of(version)
    classes = classes or start.manifest.classes
    network = QualityNet(len(classes), channels)
    return network, *begin_from(network, start, classes, examples)


def released(version: Path, images: torch.Tensor) -> torch.Tensor:
    session = InferenceSession(
        (version / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"]
    )
    return torch.from_numpy(session.run(["preds"], {"images": images.numpy()})[0])


def computed(network: QualityNet, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return network.eval()(images)


def test_the_network_computes_what_the_released_model_computes() -> None:
    network, fitted, of = begun(OURS, photos())
    assert fitted == of == len(folded_names(network))
    fresh = photos(2, 160)
    apart = (computed(network, fresh) - released(OURS, fresh)).abs()
    assert apart[..., 4:].max() < 1e-4
    assert apart[..., :4].max() < 1e-2


def folded_names(network: QualityNet) -> list[str]:
    """The tensors of a released model: one norm's weight and bias are one bias less."""
    own = [name for name, _ in network.named_parameters()]
    return [name for name in own if not name.endswith("norm.weight")]


def test_training_begins_where_the_released_model_stands() -> None:
    """In training a batch norm goes by the batch, not by what it has noted."""
    examples = photos(8)
    network, *_ = begun(OURS, examples)
    network.train()
    with torch.no_grad():
        seen = network(examples)
    apart = (seen - released(OURS, examples)).abs()
    assert apart[..., 4:].max() < 5e-3


def test_its_batch_norms_hold_the_statistics_of_the_examples() -> None:
    examples = photos(8)
    network, *_ = begun(OURS, examples)
    first = network.shallow[0]
    with torch.inference_mode():
        seen = first.conv(examples)
    assert torch.allclose(first.norm.running_mean, seen.mean((0, 2, 3)), atol=1e-4)
    assert torch.allclose(first.norm.running_var, seen.var((0, 2, 3)), rtol=1e-3)


def test_a_new_class_gets_a_row_and_the_old_ones_keep_theirs() -> None:
    network, *_ = begun(OURS, photos(), (*CLASSES, "scratch"))
    fresh = photos(2)
    seen, known = computed(network, fresh), released(OURS, fresh)
    assert (seen[..., 4:-1] - known[..., 4:]).abs().max() < 1e-4
    assert seen[..., -1].max() < 0.05


def test_rows_follow_the_names_of_classes_in_any_order() -> None:
    network, *_ = begun(OURS, photos(), tuple(reversed(CLASSES)))
    fresh = photos(2)
    seen, known = computed(network, fresh), released(OURS, fresh)
    assert (seen[..., 4:].flip(-1) - known[..., 4:]).abs().max() < 1e-4


def test_a_network_that_sees_templates_begins_by_overlooking_them() -> None:
    examples = torch.cat([photos(), photos()], 1)
    network, fitted, of = begun(OURS, examples, channels=6)
    assert fitted == of == len(folded_names(network))
    fresh = photos(2)
    known = released(OURS, fresh)
    for template in (fresh, photos(2), torch.zeros_like(fresh)):
        seen = computed(network, torch.cat([fresh, template], 1))
        assert (seen[..., 4:] - known[..., 4:]).abs().max() < 1e-4


def tensors_of(version: Path) -> dict[str, np.ndarray]:
    graph = onnx.load_model_from_string((version / "model.onnx").read_bytes()).graph
    return {one.name: numpy_helper.to_array(one) for one in graph.initializer}


def test_of_another_architecture_the_layers_that_fit_are_taken() -> None:
    examples = photos()
    network, fitted, of = begun(FIRST, examples)
    assert fitted < of
    theirs, own = tensors_of(FIRST), dict(network.named_parameters())
    same = [n for n in own if n in theirs and own[n].shape == theirs[n].shape]
    assert 0 < len(same) < len(own)
    assert fitted >= len(same)
    for name in same:
        assert np.array_equal(own[name].detach().numpy(), theirs[name])
    stem = stem_of(theirs, examples)
    with torch.inference_mode():
        assert torch.allclose(network.eval().shallow[0](examples), stem, atol=1e-4)
    assert torch.isfinite(computed(network, examples)).all()


def stem_of(tensors: dict[str, np.ndarray], images: torch.Tensor) -> torch.Tensor:
    """What the released model's first layer gives."""
    weight, bias = (
        torch.from_numpy(tensors[f"shallow.0.conv.{part}"].copy())
        for part in ("weight", "bias")
    )
    return torch.nn.functional.conv2d(images, weight, bias, 2, 1).relu()


@pytest.mark.parametrize("channels", [3, 6])
def test_of_a_foreign_file_nothing_is_taken(channels: int) -> None:
    network = QualityNet(2, channels)
    before = [one.detach().clone() for one in network.parameters()]
    foreign = onnx.helper.make_model(
        onnx.helper.make_graph(
            [], "empty", [], [],
            [numpy_helper.from_array(np.ones((3, 3), np.float32), "fc.weight")],
        )
    )  # fmt: skip
    start = start_of(OURS, foreign.SerializeToString())
    examples = torch.rand(2, channels, 64, 64)
    fitted, of = begin_from(network, start, ("a", "b"), examples)
    assert (fitted, of) == (0, len(folded_names(network)))
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(old, new)

"""Begin from a released model: its ONNX file holds all there is to know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from inference_worker.training.network import ConvUnit, QualityNet
from inference_worker.training.start import Start

SCORED = "classify.2"  # the layer whose rows are classes


def begin_from(
    network: QualityNet, start: Start, classes: Sequence[str], examples: Tensor
) -> tuple[int, int]:
    """Put a released model's weights into the network; gives how many tensors fit,
    and of how many that the network needs.

    A class of the same name keeps its row of the last layer, a new one begins
    anew. A released model carries its batch norms inside its convolutions; they are
    unfolded with the statistics of `examples` (N, channels, H, W), so the network
    computes what the model computes and can be trained on.
    """
    released = _tensors(start.model)
    old_classes = start.manifest.classes
    own = dict(network.named_parameters())
    fitted = 0
    with torch.no_grad():
        for name, values in released.items():
            target = own.get(name)
            if target is None and name.endswith("conv.bias"):
                fitted += _as_shift(network, name, values)
            elif target is not None:
                if f".{SCORED}." in name:
                    values = _rows(target, values, old_classes, classes)
                fitted += _put(target, values)
    _unfold(network, set(released), examples)
    return fitted, sum(not name.endswith("norm.weight") for name in own)


def _tensors(model: bytes) -> dict[str, Tensor]:
    graph = onnx.load_model_from_string(model).graph
    return {
        one.name: torch.from_numpy(np.array(numpy_helper.to_array(one), np.float32))
        for one in graph.initializer
        if one.name.endswith((".weight", ".bias"))
    }


def _as_shift(network: QualityNet, name: str, values: Tensor) -> int:
    """A folded convolution's bias is what its batch norm adds in the end."""
    try:
        norm = network.get_submodule(name.removesuffix("conv.bias") + "norm")
    except AttributeError:
        return 0
    return _put(norm.bias, values) if isinstance(norm.bias, Tensor) else 0


def _put(target: Tensor, values: Tensor) -> int:
    values = values.to(target.device)
    if target.ndim == 4 and values.ndim == 4 and target.shape[1] == 2 * values.shape[1]:
        # A first layer that sees a template too: nothing of it yet.
        values = torch.cat([values, torch.zeros_like(values)], 1)
    if target.shape != values.shape:
        return 0
    target.copy_(values)
    return 1


def _rows(
    target: Tensor, values: Tensor, old: Sequence[str], new: Sequence[str]
) -> Tensor:
    rows = target.detach().clone()
    for i, name in enumerate(new):
        if name in old:
            rows[i] = values[list(old).index(name)].to(rows.device)
    return rows


def _unfold(network: QualityNet, released: set[str], examples: Tensor) -> None:
    """Give each batch norm the statistics of what it sees, and undo their effect."""
    units = [
        unit
        for name, unit in network.named_modules()
        if isinstance(unit, ConvUnit) and f"{name}.conv.bias" in released
    ]
    hooks = [unit.conv.register_forward_hook(_calibrate(unit)) for unit in units]
    network.eval()
    try:
        with torch.no_grad():
            network.raw(examples)
    finally:
        for hook in hooks:
            hook.remove()


def _calibrate(unit: ConvUnit) -> Callable[[object, object, Tensor], None]:
    """norm(y) = y + shift once weight = sqrt(var + eps) and bias = shift + mean."""

    def note(module: object, inputs: object, output: Tensor) -> None:
        norm = cast(torch.nn.BatchNorm2d, unit.norm)
        mean, variance = output.mean((0, 2, 3)), output.var((0, 2, 3))
        cast(Tensor, norm.running_mean).copy_(mean)
        cast(Tensor, norm.running_var).copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)

    return note

"""The baseline: our detector in PyTorch, its weights those of the released file.

OpenCV decodes and letterboxes, the network runs in eval and inference mode, torchvision
suppresses doubles: what a careful team has before it looks for something faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import onnx
import torch
from onnx import numpy_helper

from inference_worker.engine.manifest import Manifest
from inference_worker.engine.preprocess import Geometry, letterbox, plan
from inference_worker.training.network import ConvUnit, QualityNet

_SHAPES = 64  # each is compiled for itself

Boxes = np.ndarray
Suppress = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float], torch.Tensor]


def network_of(model: bytes, manifest: Manifest) -> QualityNet:
    """The released network in torch, batch norms folded as they are in the file."""
    network = QualityNet(len(manifest.classes), manifest.input.channels).eval()
    for unit in network.modules():
        if isinstance(unit, ConvUnit):
            unit.fold()
    released = {
        one.name: np.array(numpy_helper.to_array(one))
        for one in onnx.load_from_string(model).graph.initializer
    }
    state = {name: torch.from_numpy(released[name]) for name in network.state_dict()}
    network.load_state_dict(state)
    return network


def suppressor() -> tuple[str, Suppress]:
    """torchvision's, or ours where torchvision is not to be had."""
    try:
        from torchvision.ops import batched_nms

        return "torchvision NMS", batched_nms
    except (ImportError, RuntimeError):
        return "our NMS", _ours


def _ours(
    boxes: torch.Tensor, scores: torch.Tensor, classes: torch.Tensor, iou: float
) -> torch.Tensor:
    from inference_worker.engine.nms import nms

    return torch.from_numpy(nms(boxes.numpy(), scores.numpy(), classes.numpy(), iou))


class TorchSide:
    """JPEG bytes to boxes, (n, 6) left, top, right, bottom, score, class."""

    def __init__(
        self,
        model: bytes,
        manifest: Manifest,
        device: str,
        pool: ThreadPoolExecutor,
        *,
        half: bool = False,
        compiled: bool = False,
    ) -> None:
        self.manifest, self.device, self.pool = manifest, device, pool
        self.kind = torch.float16 if half else torch.float32
        self.layout = torch.channels_last if half else torch.contiguous_format
        network = network_of(model, manifest).to(device, self.kind)
        self.network = network.to(memory_format=self.layout)
        if compiled:
            torch._dynamo.config.cache_size_limit = _SHAPES
            self.network = torch.compile(
                self.network, mode="reduce-overhead", dynamic=False
            )
        self.suppress = suppressor()[1]

    def __call__(self, jpegs: Sequence[bytes]) -> list[Boxes]:
        return self.look(self.read(jpegs))

    def read(self, jpegs: Sequence[bytes]) -> list[tuple[np.ndarray, Geometry]]:
        read = self.pool.map if len(jpegs) > 1 else map
        return list(read(self._read, jpegs))

    @torch.inference_mode()
    def look(self, read: Sequence[tuple[np.ndarray, Geometry]]) -> list[Boxes]:
        canvases, geometries = zip(*read, strict=True)
        pixels = torch.from_numpy(np.stack(canvases))
        if self.device != "cpu":
            pixels = pixels.pin_memory().to(self.device, non_blocking=True)
        images = pixels.permute(0, 3, 1, 2).to(self.kind, memory_format=self.layout)
        preds = self.network(images.div_(255))
        pairs = zip(preds.float(), geometries, strict=True)
        return [self._boxes(one, geometry) for one, geometry in pairs]

    def _read(self, jpeg: bytes) -> tuple[np.ndarray, Geometry]:
        seen = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        image = cv2.cvtColor(seen, cv2.COLOR_BGR2RGB)
        spec, stride = self.manifest.input, self.manifest.stride
        geometry = plan(*image.shape[:2], spec.sizes, stride, spec.fit, spec.canvas)
        return letterbox(image, geometry), geometry

    def _boxes(self, preds: torch.Tensor, geometry: Geometry) -> Boxes:
        best, classes = preds[:, 4:].max(1)
        keep = best >= self.manifest.threshold
        boxes, best, classes = preds[keep, :4], best[keep], classes[keep]
        kept = self.suppress(boxes, best, classes, self.manifest.nms_iou)[:300]
        found = torch.cat(
            [boxes[kept], best[kept, None], classes[kept, None].float()], 1
        )
        rows = found.cpu().numpy()
        rows[:, :4] = geometry.to_original(rows[:, :4])
        return rows


def work(network: QualityNet, size: int) -> tuple[float, float]:
    """What one image of that size asks of a card: floating-point operations, and bytes
    in float16 when each convolution reads its input and writes its output once.
    """
    operations = moved = 0.0

    def note(unit: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        nonlocal operations, moved
        weights = unit.weight
        operations += 2.0 * output.numel() * weights[0].numel()
        moved += 2.0 * (inputs[0].numel() + output.numel())

    units = [one for one in network.modules() if isinstance(one, torch.nn.Conv2d)]
    hooks = [unit.register_forward_hook(note) for unit in units]
    with torch.inference_mode():
        network(torch.zeros(1, network.channels, size, size))
    for hook in hooks:
        hook.remove()
    return operations, moved

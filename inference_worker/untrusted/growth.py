"""Values whose size the numbers in a picture would decide.

No shape tells how large they become: a range as long as the darkest pixel says is empty
for every picture but one. Sizes that come from shapes are bounded by volume.py, and how
many were selected (the shape of what NonZero or NonMaxSuppression gives) by what there
was to select from.
"""

from __future__ import annotations

from collections.abc import Iterable

from onnx import NodeProto

from inference_worker.untrusted.errors import ModelRefused, Reason

# Which inputs say how large the output becomes.
_SIZING = {
    "ConstantOfShape": slice(0, 1),
    "Expand": slice(1, 2),
    "OneHot": slice(1, 2),
    "Pad": slice(1, 2),
    "Range": slice(0, 3),
    "Resize": slice(1, 4),
    "Tile": slice(1, 2),
}
# What these give rests on no number of their first input, or of any.
_OF_SHAPES = frozenset(("Shape", "Size", "EyeLike"))


class Seen:
    """The values whose numbers come from the inputs' numbers, as far as walked."""

    def __init__(self, inputs: Iterable[str]) -> None:
        self._seen = set(inputs)

    def pass_(self, node: NodeProto, where: str) -> None:
        """Raises ModelRefused, size_from_pixels."""
        if not self._seen.isdisjoint(node.input[_SIZING.get(node.op_type, slice(0))]):
            raise ModelRefused(
                Reason.SIZE_FROM_PIXELS,
                f"what is in a picture would say how large {where} becomes",
                "Export it without what comes behind the network, or for a fixed"
                " number of boxes.",
            )
        fed = node.input[:1] if node.op_type == "CastLike" else node.input
        if node.op_type not in _OF_SHAPES and not self._seen.isdisjoint(fed):
            self._seen.update(filter(None, node.output))

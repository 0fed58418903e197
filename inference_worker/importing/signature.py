"""What a foreign graph takes and gives, as its file declares it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from inference_worker.importing.errors import ImportRefused
from inference_worker.untrusted.answers import Inspection

Shape = tuple[int | None, ...]
FLOAT, HALF = "float32", "float16"
SIZES = "orig_target_sizes"
"""The second input of RT-DETR's and D-FINE's own exports: the photo's size."""


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output: `shape` has None where the size is free."""

    name: str
    dtype: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Signature:
    """`images` is the input that takes pictures, `inputs` are all of them."""

    images: Value
    inputs: Mapping[str, Value]
    outputs: Mapping[str, Value]
    metadata: Mapping[str, str]

    @classmethod
    def of(
        cls,
        inputs: Iterable[Value],
        outputs: Iterable[Value],
        metadata: Mapping[str, str],
    ) -> Self:
        """Raises ImportRefused when no input takes colour pictures one at a time."""
        taken = {one.name: one for one in inputs}
        found = cls(
            images=_images(list(taken.values())),
            inputs=taken,
            outputs={one.name: one for one in outputs},
            metadata=metadata,
        )
        _check(found)
        return found

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """What `as_json` wrote."""
        inputs, outputs = (
            [Value(name, dtype, tuple(shape)) for name, dtype, shape in told[key]]
            for key in ("inputs", "outputs")
        )
        return cls.of(inputs, outputs, told["metadata"])

    def as_json(self) -> dict[str, Any]:
        values = {"inputs": self.inputs, "outputs": self.outputs}
        told = {
            key: [(one.name, one.dtype, one.shape) for one in some.values()]
            for key, some in values.items()
        }
        return {**told, "metadata": dict(self.metadata)}

    @property
    def canvas(self) -> tuple[int | None, int | None]:
        """Height and width of the pictures, None where free."""
        return self.images.shape[2], self.images.shape[3]

    @property
    def batch(self) -> int | None:
        return self.images.shape[0]


def read_signature(found: Inspection) -> Signature:
    """Raises what `Signature.of` raises."""
    inputs, outputs = (
        [Value(one.name, one.dtype, tuple(map(_size, one.shape))) for one in some]
        for some in (found.inputs, found.outputs)
    )
    return Signature.of(inputs, outputs, found.metadata)


def _images(inputs: list[Value]) -> Value:
    pictures = [one for one in inputs if one.name != SIZES and len(one.shape) == 4]
    others = [one for one in inputs if one.name != SIZES and len(one.shape) != 4]
    if len(pictures) != 1 or others:
        names = ", ".join(f"{one.name} {_text(one.shape)}" for one in inputs)
        raise ImportRefused(
            "a detector takes one batch of pictures, this network takes"
            f" {names or 'nothing'}"
        )
    return pictures[0]


def _check(found: Signature) -> None:
    images = found.images
    channels = images.shape[1]
    if channels not in (3, None):
        raise ImportRefused(
            f"the network takes pictures of {channels} planes, {_text(images.shape)};"
            " only those of red, green and blue can be imported"
        )
    if images.dtype not in (FLOAT, HALF):
        raise ImportRefused(
            f"the input {images.name} is {images.dtype}; float32 or float16 can be"
            " imported",
            "Export it again without building the preprocessing in.",
        )
    if found.batch not in (1, None):
        raise ImportRefused(
            f"the network takes exactly {found.batch} pictures a call",
            "Export it again with a batch of 1, or with a dynamic one.",
        )


def _size(told: int | str | None) -> int | None:
    return told if isinstance(told, int) and told > 0 else None


def _text(shape: Shape) -> str:
    return "x".join("?" if side is None else str(side) for side in shape)

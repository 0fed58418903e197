"""The rungs of a machine, the best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

AUTO = "auto"
ON_CARD = ("tensorrt", "cuda")
PREVIOUS = "-previous"
BUILT = "tensorrt"
"""The backend of engines that were built for this very machine."""
LAST = "openvino"


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to run the model.

    `previous`: with the engine that the current one's manifest names as its
    predecessor. `required`: somebody asked for it by name, or nothing comes after it;
    another one that is not installed or not built is left out without a word.
    """

    backend: str
    previous: bool = False
    required: bool = False

    @property
    def name(self) -> str:
        return f"{self.backend}{PREVIOUS if self.previous else ''}"

    @property
    def on_card(self) -> bool:
        """Whether it needs a graphics card, which may take the process along."""
        return self.backend in ON_CARD


def rungs_of(asked: Sequence[str], *, cards: int) -> tuple[Rung, ...]:
    """What `asked` names, in that order; `auto` is all that there may be here.

    Without a card that is the CPU alone. TensorRT brings its previous engine along.
    """
    if tuple(asked) != (AUTO,):
        return tuple(rung for name in asked for rung in _named(name, required=True))
    found = [rung for name in ON_CARD if cards for rung in _named(name, required=False)]
    return (*found, Rung(LAST, required=True))


def _named(name: str, *, required: bool) -> list[Rung]:
    current = Rung(name, required=required)
    return [current, Rung(name, previous=True)] if name == BUILT else [current]

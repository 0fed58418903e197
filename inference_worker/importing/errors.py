"""Why a foreign model does not become one of ours.

EngineError
├── ImportRefused      import_refused      not a detector that can be taken over
└── FamilyUnclear      family_unclear      more than one family would fit
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from inference_worker.engine.errors import EngineError
from inference_worker.untrusted.errors import ModelRefused, Reason

_TO_DO = {
    Reason.TOO_SLOW: "Simplify the graph (onnxslim or onnxsim) and import it again, or"
    " give it longer with --patience SECONDS.",
    Reason.OUT_OF_MEMORY: "Export a smaller network, or one for a smaller canvas.",
    Reason.DIED: "Simplify the graph (onnxslim or onnxsim), or export it again with"
    " another opset.",
}


class ImportRefused(EngineError):
    """The file is sound, but no detector whose boxes could be read."""

    code = "import_refused"
    hint = "docs/import.md says which detectors can be imported."


class FamilyUnclear(EngineError):
    """`candidates` are the names for --family, most likely first."""

    code = "family_unclear"

    def __init__(self, message: str, candidates: Sequence[str]) -> None:
        names = " or ".join(f"--family {name}" for name in candidates)
        super().__init__(message, f"Say which it is with {names}.")
        self.candidates = tuple(candidates)


@contextmanager
def doing(what: str) -> Iterator[None]:
    """A ModelRefused on the way says what was done, and what to do about it."""
    try:
        yield
    except ModelRefused as refused:
        hint = _TO_DO.get(refused.reason, refused.hint)
        text = f"{what}: {refused.told}"
        raise ModelRefused(refused.reason, text, hint) from refused

"""Why a foreign model does not become one of ours.

EngineError
├── ImportRefused      import_refused      not a detector that can be taken over
└── FamilyUnclear      family_unclear      more than one family would fit
"""

from __future__ import annotations

from collections.abc import Sequence

from inference_worker.engine.errors import EngineError


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

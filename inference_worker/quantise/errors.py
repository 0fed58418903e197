"""Why a model is not quantised."""

from __future__ import annotations

from inference_worker.engine.errors import EngineError


class QuantisationError(EngineError):
    """The model or its images do not allow it."""

    code = "quantisation_failed"


class PrecisionLost(QuantisationError):
    """It could be done, but the model would find less."""

    code = "precision_lost"
    hint = "Give more images of every class, or --accept-drop to write it anyway."


class RulesBroken(QuantisationError):
    """A file in int8 that some backend would not take, or would compute otherwise."""

    code = "int8_rules_broken"
    hint = "docs/int8.md has the rules; `quantise` makes files that keep them."

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

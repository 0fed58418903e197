"""How a training ends that gave nothing to release."""

from __future__ import annotations

from inference_worker.engine.errors import EngineError


class TrainingFailed(EngineError):
    """A training ended without a version."""

    code = "training_failed"


class GoldenDropped(EngineError):
    """The new model is worse at what the old one could do."""

    code = "golden_dropped"
    hint = "Raise --replay-share, give more old data, or allow it: --accept-drop."

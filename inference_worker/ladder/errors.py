"""What only the ladder refuses."""

from __future__ import annotations

from inference_worker.engine.errors import BackendError


class WrongNumbers(BackendError):
    """It ran, and saw something else on the golden picture than the CPU did."""

    code = "golden_mismatch"
    hint = "The device or its driver computes wrong: it is not used until it is right."


class TriedToDeath(BackendError):
    """The process that tried a backend died of it, or did not come to an end."""

    code = "trial_died"
    hint = "Its log, and `python -m inference_worker selftest`, may say why."


class Hung(BackendError):
    """A backend did not come back, while it was brought up beside the photos."""

    code = "hung"
    hint = "The log of the driver may say why; a driver that hangs wants a restart."


class NoRung(BackendError):
    """No backend can look at photos now: they wait, and all are tried again."""

    code = "no_rung"
    hint = "docs/ladder.md says what each reason means and what to do."

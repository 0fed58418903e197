"""How far a build is: TensorRT tells of nested phases, people want one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inference_worker.engine.tensorrt.library import trt


@dataclass
class _Phase:
    steps: int
    parent: str | None
    done: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of the whole in 0..1; the phase is NVIDIA's own name for it."""

    phase: str
    done: float


class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
    """Tells `tell` of every step. The build ends when `cancelled` says so."""

    def __init__(
        self, tell: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> None:
        trt.IProgressMonitor.__init__(self)
        self._tell, self._cancelled = tell, cancelled
        self._phases: dict[str, _Phase] = {}

    def phase_start(self, phase_name: str, parent_phase: str, num_steps: int) -> None:
        self._phases[phase_name] = _Phase(max(1, num_steps), parent_phase or None)

    def step_complete(self, phase_name: str, step: int) -> bool:
        phase = self._phases.get(phase_name)
        if phase is not None:
            phase.done = min(step + 1, phase.steps)
            self._tell(Progress(phase_name, self._fraction(phase_name)))
        return not self._cancelled()

    def phase_finish(self, phase_name: str) -> None:
        self._phases.pop(phase_name, None)

    def _fraction(self, name: str) -> float:
        """Of the whole: a phase is a part of its parent's present step."""
        within, at = 0.0, self._phases.get(name)
        while at is not None:
            within = min(1.0, (at.done + within) / at.steps)
            at = self._phases.get(at.parent) if at.parent else None
        return within

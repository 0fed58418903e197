"""Pages that need no network: what was measured, and how a training went."""

from __future__ import annotations

from inference_worker.report.evaluation import write_evaluation_report
from inference_worker.report.training import write_training_report

__all__ = ["write_evaluation_report", "write_training_report"]

"""`train`: handed to the training package, which needs torch."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

from inference_worker.engine.errors import BackendUnavailable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    _training().add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    code: int = _training().run(args)
    return code


def _training() -> Any:
    """Raises BackendUnavailable where torch is not installed."""
    try:
        return import_module("inference_worker.training.command")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("inference_worker"):
            raise
        raise BackendUnavailable(
            f"training needs {error.name}, which is not installed",
            "pip install -r requirements-train.txt",
        ) from error

"""Importing in tests: with nobody to ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inference_worker.importing.conversion import Wishes
from inference_worker.importing.errors import FamilyUnclear
from inference_worker.importing.importer import import_model
from tests.importing.foreign import write


def nobody(unclear: FamilyUnclear) -> str:
    raise unclear


def imported(folder: Path, model: bytes, **wishes: Any) -> Path:
    """The version folder that `model` becomes below `folder`."""
    file = write(folder, model)
    usual = {"name": "foreign", "out": folder / "out", "data": folder / "var"}
    return import_model(Wishes(file=file, **{**usual, **wishes}), nobody)

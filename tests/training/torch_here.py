"""Import this before torch: what needs it is skipped without, and fails in CI."""

from __future__ import annotations

from tests.services import training_packages

training_packages()

"""Import this before torch: what needs it is skipped without, and fails in CI."""

from __future__ import annotations

import os

import pytest

if not os.environ.get("CI"):
    pytest.importorskip("torch", reason="needs requirements-train.txt")
    pytest.importorskip("onnxscript", reason="needs requirements-train.txt")

"""Reading and splitting run where neither torch nor the application is installed."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"django", "celery", "traceability", "torch", "onnx", "openvino", "yaml"}


def test_labelled_folders_need_numpy_and_opencv_only() -> None:
    code = "import sys, inference_worker.training.datasets as _; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "cv2" in loaded
    assert HEAVY.isdisjoint(name.partition(".")[0] for name in loaded)

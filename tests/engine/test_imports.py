"""What the engine may need: it also runs on a bare GPU machine."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"django", "celery", "traceability", "rich", "openvino", "onnx", "torch"}


def test_the_front_door_imports_no_runtime_and_nothing_of_the_application() -> None:
    code = "import sys, inference_worker.engine.api as _; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "cv2" in loaded
    assert HEAVY.isdisjoint(name.partition(".")[0] for name in loaded)

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


WITHOUT_SIMPLEJPEG = """
import sys
sys.modules["simplejpeg"] = None
import cv2, numpy as np
from inference_worker.engine.decode import decode
from inference_worker.engine.errors import PackageMissing
picture = np.full((4, 5, 3), 9, np.uint8)
print(decode(cv2.imencode(".png", picture)[1].tobytes()).shape)
try:
    decode(cv2.imencode(".jpg", picture)[1].tobytes())
except PackageMissing as error:
    print(error)
"""


def test_without_simplejpeg_only_jpegs_are_refused() -> None:
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT_SIMPLEJPEG],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert said == ["(4, 5, 3)", "reading a JPEG needs the package simplejpeg"]

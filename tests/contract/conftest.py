"""The checks run in processes that `test_versions.py` starts, and nowhere else."""

from __future__ import annotations

import os

collect_ignore = [] if "CAUSELINE_TEST_TENSORRT" in os.environ else ["checks"]

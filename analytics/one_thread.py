"""Imported before numpy: small products of matrices are faster on one thread.

The command's sums are also added in one order then, whatever the machine has.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

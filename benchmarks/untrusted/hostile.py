"""How soon the tests' hostile files are refused, and by how much the caller grows.

    python -m benchmarks.untrusted.hostile

Prints what `benchmarks.untrusted.caller` tells of them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.untrusted.hostile import FILES


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        for name, (_, make) in FILES.items():
            (Path(folder) / name).write_bytes(make())
        command = [sys.executable, "-m", "benchmarks.untrusted.caller", folder]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

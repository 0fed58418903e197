"""NVIDIA's own Python bindings of TensorRT, which are fetched and never committed.

`python -m tests.contract.wheels` (or `make contract`) puts each version into a folder
of its own in the virtual environment, where nothing imports it by accident.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

VERSIONS = ("10.16.1.11", "11.4.0.106")
HINT = "make contract"


def folder(version: str) -> Path:
    """Where this version's `tensorrt_bindings` is, or would be."""
    return Path(sys.prefix) / "contract" / version


def is_there(version: str) -> bool:
    return (folder(version) / "tensorrt_bindings" / "tensorrt.so").is_file()


def fetch(version: str) -> None:
    """Raises CalledProcessError where the package index does not have it."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--only-binary", ":all:", "--target", str(folder(version))),
            f"tensorrt_cu13_bindings=={version}",
        ],
        check=True,
    )


if __name__ == "__main__":
    for wanted in VERSIONS:
        if not is_there(wanted):
            fetch(wanted)
        print(folder(wanted))

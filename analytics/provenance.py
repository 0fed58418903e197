"""What computed an answer: the code of the analysis and the libraries below it."""

from __future__ import annotations

import hashlib
import platform
from functools import lru_cache
from importlib import metadata
from pathlib import Path

CORE = Path(__file__).parent / "core"
LIBRARIES = ("numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


@lru_cache
def code_sha256() -> str:
    """SHA-256 of the source of `analytics.core`, where answers are made."""
    digest = hashlib.sha256()
    for path in sorted(CORE.rglob("*.py")):
        digest.update(path.relative_to(CORE).as_posix().encode() + b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()


def code_version(release: str) -> str:
    """The release, with what tells two states of its source apart: "0.1.0+3f2a91c0"."""
    return f"{release}+{code_sha256()[:8]}"


def environment() -> dict[str, str]:
    """Versions by name, whose arithmetic may differ in the last digit."""
    versions = {name: metadata.version(name) for name in LIBRARIES}
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        **versions,
    }

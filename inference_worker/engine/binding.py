"""The binding of CUDA behind `gpu.py`: PyCUDA, or another one in its place. The only
file that imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inference_worker.engine.errors import BackendUnavailable
from inference_worker.engine.graphs import DriverCalls, GraphCalls
from inference_worker.engine.visible import first_line

HOW_TO = (
    "pip install -r requirements-gpu.txt, beside CUDA 13 with nvcc: docs/gpu.md, "
    "Install."
)


@dataclass(frozen=True)
class Binding:
    """`driver` is pycuda.driver or alike; `compile(source, arch)` gives a cubin;
    `graphs` is what PyCUDA lacks.
    """

    driver: Any
    compile: Callable[[str, str], bytes]
    graphs: GraphCalls = field(default_factory=DriverCalls)


def of_pycuda() -> Binding:
    """Raises BackendUnavailable where it is not installed."""
    try:
        import pycuda.compiler
        import pycuda.driver
    except ImportError as error:
        raise BackendUnavailable(
            f"PyCUDA is not installed: {first_line(error)}", HOW_TO
        ) from error

    def compiled(source: str, arch: str) -> bytes:
        return bytes(pycuda.compiler.compile(source, arch=arch, options=["-O3"]))

    return Binding(pycuda.driver, compiled)

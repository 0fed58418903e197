"""Which names of NVIDIA's bindings our code uses, read out of its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ENGINE = Path(__file__).parents[2] / "inference_worker" / "engine"
SOURCES = (
    *sorted((ENGINE / "tensorrt").glob("*.py")),
    ENGINE / "backends" / "tensorrt.py",
)
CLASSES = (
    "Builder", "IBuilderConfig", "ICudaEngine", "IErrorRecorder", "IExecutionContext",
    "IHostMemory", "ILogger", "INetworkDefinition", "IOptimizationProfile",
    "IProgressMonitor", "ITensor", "ITimingCache", "OnnxParser", "ParserError",
    "Runtime",
)  # fmt: skip
"""Those that we hold objects of."""

_NUMBER = re.compile(r"^\d+\. ")  # of overloads
_NOT_OURS = "IStreamReader"  # plans from streams; 11 has one way less


def dotted() -> set[str]:
    """`Builder`, `DataType.HALF`: what follows `trt.` anywhere."""
    return {name for source in SOURCES for name in _dotted(_tree(source))}


def members() -> set[tuple[str, str]]:
    """(class, member) for each attribute or method that we name and a class may have.

    Which object a name is asked of is not followed, so a few are too many.
    """
    told = {
        node.attr
        for source in SOURCES
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.Attribute)
    }
    told |= {
        node.name
        for source in SOURCES
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.FunctionDef)
    }
    return {(kind, name) for kind in CLASSES for name in told}


def signature(trt: ModuleType, kind: str, member: str) -> list[str] | None:
    """What the bindings say of it, without their own module's name; None where the
    class has no such member.
    """
    found = vars(getattr(trt, kind)).get(member)
    if found is None:
        return None
    if isinstance(found, property):
        text = (found.fget.__doc__ or "") if found.fget else ""
        lines = text.strip().splitlines()[:1]
        return [f"property, {'read only' if found.fset is None else 'set'}", *lines]
    lines = [line.strip() for line in (found.__doc__ or "").splitlines()]
    kept = [line for line in lines if f"{member}(" in line and "->" in line]
    plain = [line.replace("tensorrt_bindings.tensorrt.", "") for line in kept]
    return [_NUMBER.sub("", line) for line in plain if _NOT_OURS not in line]


def _tree(source: Path) -> ast.Module:
    return ast.parse(source.read_text())


def _dotted(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        chain: list[str] = []
        at: ast.AST = node
        while isinstance(at, ast.Attribute):
            chain.insert(0, at.attr)
            at = at.value
        if chain and isinstance(at, ast.Name) and at.id == "trt":
            yield ".".join(chain)

"""NVIDIA's bindings without NVIDIA's libraries: imported over the functions of stub.c.

The loader takes a library for loaded that has the name it looks for, so three copies of
the stub under the right names are enough, and nothing is put into the wheel.
"""

from __future__ import annotations

import ctypes
import importlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

STUB = Path(__file__).with_name("stub.c")
HOOKS = {"builder": 0, "runtime": 1, "parser": 6}
_GIVEN = re.compile(r"(create\w+_INTERNAL|(get|init)\w+(Registry|Plugins|Version))")


class Bindings:
    """One version's module, and the stubs under it."""

    def __init__(self, folder: Path) -> None:
        library = folder / "tensorrt_bindings" / "tensorrt.so"
        _check_symbols(library)
        with tempfile.TemporaryDirectory(prefix="causeline-stub-") as made:
            self._stubs = [_stub(name, Path(made)) for name in _needed(library)]
        sys.path.insert(0, str(folder))
        self.module: ModuleType = importlib.import_module("tensorrt_bindings")
        self._kept: list[Any] = []

    def hook(self, which: str, function: Callable[..., int]) -> None:
        """Let the function of that name in HOOKS be this one: pointers in and out."""
        pointers = (ctypes.c_void_p,) * (2 if which == "parser" else 1)
        kind = ctypes.CFUNCTYPE(ctypes.c_void_p, *pointers, ctypes.c_int32)
        self._kept.append(kind(function))
        for stub in self._stubs:
            stub.causeline_hook(HOOKS[which], self._kept[-1])


def _needed(library: Path) -> list[str]:
    """NVIDIA's libraries that it names, the one that others build on first."""
    said = _said("readelf", "-d", str(library))
    names = re.findall(r"Shared library: \[(libnv[^\]]+)\]", said)
    return sorted(names, key=lambda name: ("onnx" in name, "plugin" in name))


def _check_symbols(library: Path) -> None:
    """A later version may want more than the stub gives; lazily bound, that would
    crash at the first call.
    """
    wanted = re.findall(r"\bU (\S+)", _said("nm", "-D", "-u", str(library)))
    stub = STUB.read_text()
    lacking = [name for name in wanted if _GIVEN.fullmatch(name) and name not in stub]
    if lacking:
        raise RuntimeError(f"stub.c lacks {', '.join(lacking)}")


def _stub(name: str, folder: Path) -> ctypes.CDLL:
    major = name.rpartition(".")[2]
    built = folder / name
    _said(
        *("cc", "-shared", "-fPIC", "-O1", f"-DSTUB_VERSION={major}0000"),
        *(f"-Wl,-soname,{name}", "-o", str(built), str(STUB)),
    )
    return ctypes.CDLL(str(built), mode=ctypes.RTLD_GLOBAL)


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout

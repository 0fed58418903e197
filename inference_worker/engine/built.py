"""The manifest of an engine that was built here: what it is and where it may run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from inference_worker.engine import clock
from inference_worker.engine.errors import (
    DriverTooOld,
    EngineExpired,
    OtherCuda,
    OtherGpu,
    OtherTensorRT,
    PlanWrong,
)
from inference_worker.engine.fields import (
    NAME,
    SCHEMA,
    TIME,
    FilePin,
    canonical,
    check_fields,
    check_pin,
    read_json,
    refuse,
    require,
)
from inference_worker.engine.tensorrt.plan import version_of

PLAN, TIMING_CACHE = "engine.plan", "timing.cache"

_NUMBERS = re.compile(r"\d+(\.\d+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELDS = {
    "schema": int,
    "kind": str,
    "model": str,
    "version": str,
    "engine": str,
    "release_seq": int,
    "previous": (dict, type(None)),
    "kid": (str, type(None)),
    "created": str,
    "expires": (str, type(None)),
    "onnx_sha256": str,
    "files": dict,
    "environment": dict,
}
_PREVIOUS = {"version": str, "engine": str, "sha256": str}
_ENVIRONMENT = {
    "tensorrt": str,
    "cuda": str,
    "driver_minimum": str,
    "compute_capability": str,
    "gpu": str,
    "precision": str,
    "profiles": list,
}


@dataclass(frozen=True, slots=True)
class Machine:
    """Where an engine is to run: versions as text, `9.0` for compute capability."""

    tensorrt: str
    cuda: str
    driver: str
    compute_capability: str


@dataclass(frozen=True, slots=True)
class Environment:
    """Where an engine was built, and for what: any driver from the minimum on, else
    the very same. `profiles` is what the builder says of shapes, exact JSON.
    """

    tensorrt: str
    cuda: str
    driver_minimum: str
    compute_capability: str
    gpu: str
    precision: str
    profiles: tuple[Any, ...]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From JSON; ManifestError for what is missing or of another type."""
        _check_environment(told)
        return cls(**{**told, "profiles": tuple(told["profiles"])})

    @property
    def kind(self) -> str:
        """Engines of one kind replace each other: `sm90-int8`."""
        return f"sm{self.compute_capability.replace('.', '')}-{self.precision}"

    def check(self, machine: Machine) -> None:
        """Raises OtherGpu, OtherTensorRT, OtherCuda or DriverTooOld."""
        if self.compute_capability != machine.compute_capability:
            raise OtherGpu(
                f"built for compute capability {self.compute_capability}"
                f" ({self.gpu}); this card has {machine.compute_capability}"
            )
        if self.tensorrt != machine.tensorrt:
            raise OtherTensorRT(
                f"built by TensorRT {self.tensorrt}; here is {machine.tensorrt}"
            )
        if self.cuda != machine.cuda:
            raise OtherCuda(f"built for CUDA {self.cuda}; here is {machine.cuda}")
        if _numbers(machine.driver) < _numbers(self.driver_minimum):
            raise DriverTooOld(
                f"needs driver {self.driver_minimum}; here is {machine.driver}"
            )

    def check_plan(self, plan: bytes) -> None:
        """Raises PlanWrong unless it begins as a plan of this TensorRT does."""
        by = version_of(plan)
        if by != self.tensorrt:
            raise PlanWrong(f"{PLAN} is of TensorRT {by}, not of {self.tensorrt}")


@dataclass(frozen=True, slots=True)
class EngineManifest:
    """One that was read and found sound; `raw` is all of it, as JSON."""

    model: str
    version: str
    engine: str
    release_seq: int
    previous: Mapping[str, str] | None
    kid: str | None
    expires: str | None
    onnx_sha256: str
    files: Mapping[str, FilePin]
    environment: Environment
    raw: Mapping[str, Any]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """From a file's bytes; ManifestError says which field is wrong and why."""
        raw = read_json(data)
        check_fields(raw, _FIELDS, "")
        known = (raw["schema"], raw["kind"]) == (SCHEMA, "engine")
        require(known, "schema", "want an engine's manifest of schema 1")
        _check_values(raw)
        return cls(
            model=raw["model"],
            version=raw["version"],
            engine=raw["engine"],
            release_seq=raw["release_seq"],
            previous=raw["previous"],
            kid=raw["kid"],
            expires=raw["expires"],
            onnx_sha256=raw["onnx_sha256"],
            files={name: FilePin(**pinned) for name, pinned in raw["files"].items()},
            environment=Environment.of(raw["environment"]),
            raw=raw,
        )

    @property
    def plan(self) -> FilePin:
        return self.files[PLAN]

    @property
    def chain(self) -> str:
        """The releases of which only the newest may run."""
        return f"{self.model}/{self.environment.kind}"

    @property
    def reference(self) -> dict[str, str]:
        """What its successor's manifest says of it."""
        return {
            "version": self.version,
            "engine": self.engine,
            "sha256": self.plan.sha256,
        }

    def check_time(self) -> None:
        if self.expires is not None and self.expires < clock.now():
            raise EngineExpired(f"{self.model} {self.engine} expired on {self.expires}")

    def canonical(self) -> bytes:
        return canonical(self.raw)

    def changed(self, **fields: Any) -> EngineManifest:
        return EngineManifest.parse(canonical({**self.raw, **fields}))


def _check_values(raw: Mapping[str, Any]) -> None:
    for name in ("model", "version", "engine"):
        require(bool(NAME.fullmatch(raw[name])), name, "is no name")
    for name in ("created", "expires"):
        right = raw[name] is None or bool(TIME.fullmatch(raw[name]))
        require(right, name, "want 2026-11-22T…Z")
    require(raw["release_seq"] >= 1, "release_seq", "starts at 1")
    require(bool(_SHA256.fullmatch(raw["onnx_sha256"])), "onnx_sha256", "want SHA-256")
    _check_previous(raw["previous"])
    require(PLAN in raw["files"], "files", f"has no {PLAN}")
    for name, pinned in raw["files"].items():
        require(name in (PLAN, TIMING_CACHE), "files", f"{name} is unknown")
        check_pin(name, pinned)


def _check_previous(previous: Mapping[str, Any] | None) -> None:
    if previous is None:
        return
    check_fields(previous, _PREVIOUS, "previous.")
    right = bool(_SHA256.fullmatch(previous["sha256"]))
    require(right, "previous.sha256", "want SHA-256")


def _check_environment(told: Mapping[str, Any]) -> None:
    check_fields(told, _ENVIRONMENT, "environment.")
    for name in ("tensorrt", "cuda", "driver_minimum", "compute_capability"):
        right = bool(_NUMBERS.fullmatch(told[name]))
        require(right, f"environment.{name}", "want numbers and points")
    if len(_numbers(told["tensorrt"])) != 4:
        refuse("environment.tensorrt", "want four numbers, as in 10.16.1.11")
    right = bool(NAME.fullmatch(told["precision"]))
    require(right, "environment.precision", "is no name")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))

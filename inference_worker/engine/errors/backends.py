"""What runtimes and graphics cards fail at."""

from __future__ import annotations

from inference_worker.engine.errors.base import EngineError


class BackendError(EngineError):
    """A way of running models that does not work on this machine."""


class BackendUnknown(BackendError):
    code = "backend_unknown"


class BackendUnavailable(BackendError):
    code = "backend_unavailable"


class PrecisionUnknown(BackendError):
    """Asked for on the command line, in a setting or in the environment."""

    code = "precision_unknown"


class LoadFailed(BackendError):
    code = "load_failed"
    hint = "The file is intact, but this runtime cannot run it."


class BuildFailed(BackendError):
    code = "build_failed"
    hint = "The file is intact, but TensorRT makes no engine of it."


class BuildCancelled(BuildFailed):
    code = "build_cancelled"
    hint = "Start it again; with the timing cache kept it is faster."


class InferenceFailed(BackendError):
    code = "inference_failed"
    hint = "The model and its manifest do not fit together, or the device failed."


class GpuError(BackendError):
    """A call of the graphics card that failed."""


class OutOfDeviceMemory(GpuError):
    """Nothing is broken: what is there goes on, and less may fit."""

    code = "out_of_device_memory"
    hint = "Load fewer models on this card, or give it fewer processes."


class DeviceLost(GpuError):
    """The card's context is broken for this process, which must end and be replaced."""

    code = "device_lost"
    hint = "A new process can use the card; look for Xid errors in the system's log."


class DeviceRefused(GpuError):
    """The card did not do what it was told, and is well."""

    code = "device_refused"
    hint = "This is a mistake in the program: please report it."

"""Why a model file or an engine may not be loaded."""

from __future__ import annotations

from inference_worker.engine.errors.base import EngineError


class StoreError(EngineError):
    """A model file that may not be loaded."""


class EngineMissing(StoreError):
    code = "engine_missing"
    hint = "See what there is with: python -m inference_worker list"


class EngineConflict(StoreError):
    code = "engine_conflict"
    hint = "Released files never change: give the new files a new version."


class FileAltered(StoreError):
    code = "file_altered"
    hint = "Take the version folder again from where it was released."


class FileNotPlain(FileAltered):
    """Never opened as if it were one: a pipe would block, a link leads elsewhere."""

    code = "file_not_plain"


class FileMissing(FileAltered):
    code = "file_missing"


class FileExposed(StoreError):
    """Somebody else than the owner of the data folder could have written it."""

    code = "file_exposed"
    hint = "Give it to the user that runs the workers, and let no others write it."


class SignatureMissing(StoreError):
    code = "signature_missing"
    hint = "Adopt the released files with: python -m inference_worker adopt"


class SignatureWrong(StoreError):
    code = "signature_wrong"
    hint = "Someone changed it; adopt it again from the released files."


class ManifestMisplaced(SignatureWrong):
    code = "manifest_misplaced"
    hint = "Files of two versions or engines were exchanged; put them back."


class SignatureWeak(StoreError):
    code = "signature_weak"
    hint = "Sign it where the private key is: sign --private FILE"


class KeyUnknown(StoreError):
    code = "key_unknown"
    hint = "It was signed elsewhere; adopt it again from the released files."


class KeyRevoked(StoreError):
    code = "key_revoked"
    hint = "Adopt it again from the released files, or build the engine again."


class KeyExpired(StoreError):
    code = "key_expired"
    hint = "Adopt it again from the released files, or build the engine again."


class KeyRingError(StoreError):
    code = "key_ring_unusable"
    hint = (
        "Restore keys/engine-signing.json; or remove it, engines/state.json and"
        " keys/engine-state.json, and adopt again."
    )


class KeyRingExposed(KeyRingError):
    code = "key_ring_exposed"
    hint = "If nobody else has read it: chmod 0400. Else replace it and adopt again."


class EngineExpired(StoreError):
    code = "engine_expired"
    hint = "Build it again."


class EngineForeign(StoreError):
    """Its ONNX file is none of the version beside which it lies."""

    code = "engine_foreign"
    hint = "Build it again from this version."


class RolledBack(StoreError):
    """Signed here, but something newer ran here already."""

    code = "release_rolled_back"
    hint = "If you want the older one: sign --rollback-to NAME@VERSION"


class StateUnusable(StoreError):
    code = "state_unusable"
    hint = (
        "Restore engines/state.json or keys/engine-state.json. Without a copy, remove"
        " both; then older releases could be passed off as the newest."
    )


class AuditBroken(StoreError):
    code = "audit_log_broken"
    hint = "Compare engines/audit.log with a backup: somebody changed it."


class PlanWrong(StoreError):
    """The first bytes are not those of a plan of the TensorRT in its manifest."""

    code = "plan_wrong"
    hint = "Build it again."


class EnvironmentWrong(StoreError):
    """Genuine, and built for another machine than this one."""

    hint = "Build it on this machine: python -m inference_worker build"


class OtherGpu(EnvironmentWrong):
    code = "engine_other_gpu"


class OtherTensorRT(EnvironmentWrong):
    code = "engine_other_tensorrt"


class OtherCuda(EnvironmentWrong):
    code = "engine_other_cuda"


class DriverTooOld(EnvironmentWrong):
    code = "engine_driver_too_old"
    hint = "Install the driver that it wants, or build it on this machine."


class StoreUnusable(StoreError):
    code = "data_unusable"
    hint = "Set CAUSELINE_DATA to a folder that can be written to, with room in it."

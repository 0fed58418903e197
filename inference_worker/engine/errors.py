"""Everything the engine refuses, and why.

EngineError
├── ImageError
│   ├── ImageTooLarge        image_too_large        more bytes or pixels than allowed
│   ├── ImageUnreadable      image_unreadable       not a whole picture
│   └── CameraMismatch       camera_mismatch        not the camera that was calibrated
├── TemplateError            template_mismatch      the golden image has another shape
│   └── TemplateMissing      template_missing       there is none
├── DatasetError             dataset_invalid        labels or images that do not fit
│   └── LeadsOut             dataset_invalid        a label that is elsewhere
├── PackageMissing           package_missing        this file wants an absent package
├── SystemRefused            system_refused         a file or folder could not be used
├── ManifestError            manifest_invalid       not a manifest of ours
├── StoreError
│   ├── EngineMissing        engine_missing         no such model or version
│   ├── EngineConflict       engine_conflict        same version, other files
│   ├── FileAltered          file_altered           bytes differ from the manifest
│   │   ├── FileNotPlain     file_not_plain         a link, a pipe, a folder
│   │   └── FileMissing      file_missing           pinned, and not there
│   ├── FileExposed          file_exposed           others own it or may write it
│   ├── SignatureMissing     signature_missing      never adopted or signed here
│   ├── SignatureWrong       signature_wrong        manifest altered after signing
│   │   └── ManifestMisplaced  manifest_misplaced   a genuine one of something else
│   ├── SignatureWeak        signature_weak         Ed25519 is required and not there
│   ├── KeyUnknown           key_unknown            signed by a key not in the ring
│   ├── KeyRevoked           key_revoked            signed by a key that was revoked
│   ├── KeyExpired           key_expired            by an old key, after its last day
│   ├── KeyRingError         key_ring_unusable      the ring is missing or damaged
│   │   └── KeyRingExposed   key_ring_exposed       others than its owner may read it
│   ├── EngineExpired        engine_expired         after the last day it was made for
│   ├── EngineForeign        engine_foreign         built from another ONNX file
│   ├── RolledBack           release_rolled_back    older than what ran here
│   ├── StateUnusable        state_unusable         what ran here was altered
│   ├── AuditBroken          audit_log_broken       lines altered or missing
│   ├── PlanWrong            plan_wrong             no plan of that TensorRT
│   ├── EnvironmentWrong
│   │   ├── OtherGpu         engine_other_gpu       for another compute capability
│   │   ├── OtherTensorRT    engine_other_tensorrt  for another version of TensorRT
│   │   ├── OtherCuda        engine_other_cuda      for another version of CUDA
│   │   └── DriverTooOld     engine_driver_too_old  wants a newer driver
│   └── StoreUnusable        data_unusable          the data folder cannot be written
└── BackendError
    ├── BackendUnknown       backend_unknown        no backend of that name
    ├── BackendUnavailable   backend_unavailable    its runtime is not installed
    ├── PrecisionUnknown     precision_unknown      nothing is computed in that
    ├── LoadFailed           load_failed            the runtime refused the model
    ├── BuildFailed          build_failed           no engine could be made of it
    │   └── BuildCancelled   build_cancelled        somebody stopped it
    ├── InferenceFailed      inference_failed       it ran and gave nothing usable
    └── GpuError
        ├── OutOfDeviceMemory  out_of_device_memory  it does not fit on the card now
        ├── DeviceLost         device_lost           the process must leave
        └── DeviceRefused      device_refused        a wrong call; the card is well
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from inference_worker.engine.visible import visible


class EngineError(Exception):
    """Says what is wrong; `code` is for programs, `hint` is what to do about it.

    Both may quote what strangers wrote, so what does not print is escaped. The
    message is one line, then `lines`.
    """

    code: ClassVar[str] = "engine_error"
    hint: str = ""

    def __init__(self, message: str, hint: str = "", lines: Iterable[str] = ()) -> None:
        super().__init__("\n".join(map(visible, (message, *lines))))
        self.hint = visible(hint) or self.hint


class ImageError(EngineError):
    """This one image cannot be inspected; the next one may."""


class ImageTooLarge(ImageError):
    """Refused from its header, before any pixel was decoded (HTTP 413)."""

    code = "image_too_large"
    hint = "Send at most 20 MB and 50 megapixels."


class ImageUnreadable(ImageError):
    """Not a picture, or not all of one (HTTP 422)."""

    code = "image_unreadable"
    hint = "Send a complete JPEG, PNG, BMP, TIFF or WebP file of 8 or 16 bits."


class CameraMismatch(ImageError):
    """The photo differs in size from what its station's camera was calibrated at."""

    code = "camera_mismatch"
    hint = "Set the camera back to that resolution, or calibrate the station anew."


class TemplateError(EngineError):
    """The model compares with a golden image, and this one does not fit the image."""

    code = "template_mismatch"
    hint = "Give each image a template of the same proportions."


class TemplateMissing(TemplateError):
    """The model compares with a golden image, and none was given."""

    code = "template_missing"
    hint = "Give each image its template."


class DatasetError(EngineError):
    """A labelled folder that cannot be used; the message names file and entry."""

    code = "dataset_invalid"
    hint = "docs/labelled-folders.md says how labels and images must lie."


class LeadsOut(DatasetError):
    """A label that lies, its links followed, outside its folder: it is not read."""


class PackageMissing(EngineError):
    """A Python package that this kind of file needs is not installed here."""

    code = "package_missing"
    hint = "Install it with: pip install -r requirements.txt"


class SystemRefused(EngineError):
    """What the operating system said when something was read or written."""

    code = "system_refused"
    hint = "Look at the rights to that path, and at the room that is left there."


class ManifestError(EngineError):
    code = "manifest_invalid"
    hint = "Take the version folder again from where it was released."


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

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

from inference_worker.engine.errors.backends import (
    BackendError,
    BackendUnavailable,
    BackendUnknown,
    BuildCancelled,
    BuildFailed,
    DeviceLost,
    DeviceRefused,
    GpuError,
    InferenceFailed,
    LoadFailed,
    OutOfDeviceMemory,
    PrecisionUnknown,
)
from inference_worker.engine.errors.base import (
    EngineError,
)
from inference_worker.engine.errors.given import (
    CameraMismatch,
    DatasetError,
    ImageError,
    ImageTooLarge,
    ImageUnreadable,
    LeadsOut,
    ManifestError,
    PackageMissing,
    SystemRefused,
    TemplateError,
    TemplateMissing,
)
from inference_worker.engine.errors.store import (
    AuditBroken,
    DriverTooOld,
    EngineConflict,
    EngineExpired,
    EngineForeign,
    EngineMissing,
    EnvironmentWrong,
    FileAltered,
    FileExposed,
    FileMissing,
    FileNotPlain,
    KeyExpired,
    KeyRevoked,
    KeyRingError,
    KeyRingExposed,
    KeyUnknown,
    ManifestMisplaced,
    OtherCuda,
    OtherGpu,
    OtherTensorRT,
    PlanWrong,
    RolledBack,
    SignatureMissing,
    SignatureWeak,
    SignatureWrong,
    StateUnusable,
    StoreError,
    StoreUnusable,
)

__all__ = [
    "AuditBroken",
    "BackendError",
    "BackendUnavailable",
    "BackendUnknown",
    "BuildCancelled",
    "BuildFailed",
    "CameraMismatch",
    "DatasetError",
    "DeviceLost",
    "DeviceRefused",
    "DriverTooOld",
    "EngineConflict",
    "EngineError",
    "EngineExpired",
    "EngineForeign",
    "EngineMissing",
    "EnvironmentWrong",
    "FileAltered",
    "FileExposed",
    "FileMissing",
    "FileNotPlain",
    "GpuError",
    "ImageError",
    "ImageTooLarge",
    "ImageUnreadable",
    "InferenceFailed",
    "KeyExpired",
    "KeyRevoked",
    "KeyRingError",
    "KeyRingExposed",
    "KeyUnknown",
    "LeadsOut",
    "LoadFailed",
    "ManifestError",
    "ManifestMisplaced",
    "OtherCuda",
    "OtherGpu",
    "OtherTensorRT",
    "OutOfDeviceMemory",
    "PackageMissing",
    "PlanWrong",
    "PrecisionUnknown",
    "RolledBack",
    "SignatureMissing",
    "SignatureWeak",
    "SignatureWrong",
    "StateUnusable",
    "StoreError",
    "StoreUnusable",
    "SystemRefused",
    "TemplateError",
    "TemplateMissing",
]

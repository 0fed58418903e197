"""Why a stranger's model file is refused.

EngineError
├── ModelRefused          model_refused         `reason` says which rule it breaks
└── SandboxUnavailable    sandbox_unavailable   this system cannot bound a process
"""

from __future__ import annotations

from enum import StrEnum

from inference_worker.engine.errors import EngineError


class Reason(StrEnum):
    """The rule that was broken; docs/untrusted-models.md lists them."""

    # The file itself, before anything looks into it.
    UNREADABLE = "unreadable"
    NOT_A_PLAIN_FILE = "not_a_plain_file"
    FILE_TOO_LARGE = "file_too_large"
    FILE_EMPTY = "file_empty"
    FILE_CHANGED = "file_changed"
    # Its encoding.
    MALFORMED = "malformed"
    UNKNOWN_FIELDS = "unknown_fields"
    IR_VERSION = "ir_version"
    OPSET_VERSION = "opset_version"
    # What it asks for.
    FOREIGN_DOMAIN = "foreign_domain"
    OPERATOR_NOT_ALLOWED = "operator_not_allowed"
    LOCAL_FUNCTIONS = "local_functions"
    TRAINING_INFO = "training_info"
    SUBGRAPH = "subgraph"
    EXTERNAL_DATA = "external_data"
    SPARSE_TENSOR = "sparse_tensor"
    STRING_TENSOR = "string_tensor"
    ELEMENT_TYPE = "element_type"
    ATTRIBUTE_TYPE = "attribute_type"
    # How much of it there is.
    TOO_MANY_NODES = "too_many_nodes"
    TOO_MANY_TENSORS = "too_many_tensors"
    TOO_MANY_VALUES = "too_many_values"
    NAME_TOO_LONG = "name_too_long"
    METADATA_TOO_LARGE = "metadata_too_large"
    DIMENSION = "dimension"
    TENSOR_TOO_LARGE = "tensor_too_large"
    TENSOR_DATA = "tensor_data"
    # How it hangs together.
    NO_INPUTS = "no_inputs"
    NO_OUTPUTS = "no_outputs"
    DUPLICATE_NAME = "duplicate_name"
    SHADOWED_NAME = "shadowed_name"
    NOT_SORTED = "not_sorted"
    CHECKER = "checker"
    # What it would grow to.
    COMPUTED_TOO_LARGE = "computed_too_large"
    CONSTANTS_TOO_LARGE = "constants_too_large"
    CONSTANTS_UNBOUNDED = "constants_unbounded"
    TOO_MUCH_WORK = "too_much_work"
    SIZE_FROM_PIXELS = "size_from_pixels"
    # What became of the process that looked.
    TOO_SLOW = "too_slow"
    OUT_OF_MEMORY = "out_of_memory"
    DIED = "died"
    ANSWER_INVALID = "answer_invalid"
    # Only when it is tried.
    RUN_FAILED = "run_failed"
    OUTPUT_TOO_LARGE = "output_too_large"


class ModelRefused(EngineError):
    """A model file that is not taken: `reason` is the rule, `told` the sentence."""

    code = "model_refused"
    hint = "docs/untrusted-models.md says what is taken, and why."

    def __init__(self, reason: Reason, message: str, hint: str = "") -> None:
        super().__init__(f"{message} ({reason})", hint)
        self.reason, self.told = reason, message


class SandboxUnavailable(EngineError):
    """Where a process cannot be bounded in everything, no such file is opened."""

    code = "sandbox_unavailable"
    hint = (
        "Import the model on 64-bit Linux (x86-64 or ARM) with seccomp filters;"
        " what was imported and signed runs as usual."
    )

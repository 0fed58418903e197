"""Version folders that nobody here signed: no network is handed out unlooked into."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from inference_worker.engine.store import Version, open_folder
from inference_worker.untrusted.errors import ModelRefused, Reason
from inference_worker.untrusted.inspection import inspect_bytes
from inference_worker.untrusted.limits import GROWN

_NETWORK = ".onnx"
_FILES_BYTES = 2 * GROWN.file_bytes


@dataclass(frozen=True, slots=True)
class Unsigned(Version):
    """`looked_into` are the networks that a child has looked into and let pass; their
    pins say that they are read again as the same bytes.
    """

    looked_into: set[str] = field(default_factory=set, compare=False, repr=False)

    def read(self, name: str) -> bytes:
        """What Version.read does; a network's bytes are those that were looked into.

        Raises ModelRefused too, and SandboxUnavailable.
        """
        content = Version.read(self, name)
        if name.endswith(_NETWORK) and name not in self.looked_into:
            try:
                inspect_bytes(content, GROWN)
            except ModelRefused as refused:
                text = f"{self.folder / name}: {refused.told}"
                raise ModelRefused(refused.reason, text, refused.hint) from refused
            self.looked_into.add(name)
        return content


def open_unsigned(folder: Path) -> Unsigned:
    """What open_folder does, for a folder that anybody may have written.

    Raises ModelRefused too, for files that declare more than this process should hold.
    """
    found = open_folder(folder)
    size = sum(pin.size for pin in found.manifest.files.values())
    if size > _FILES_BYTES:
        raise ModelRefused(
            Reason.FILE_TOO_LARGE,
            f"{folder}: its files have {size:,} bytes, {_FILES_BYTES:,} are taken",
        )
    return Unsigned(found.folder, found.manifest)

"""What every refusal of the engine says."""

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

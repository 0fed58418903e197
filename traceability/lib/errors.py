"""The errors that a caller is told about.

CauselineError
├── BadInput            422  something in the request is wrong; `fields` says what
│   ├── UnreadableImage 422
│   └── UnknownReference 422  a natural key that names nothing
├── TooLarge            413
├── Conflict            409
├── NoSpace             507
└── Unavailable         503
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Fields = Mapping[str, Sequence[str]]


class CauselineError(Exception):
    """An error with a stable code, an HTTP status and a hint on what to do."""

    code = "error"
    status = 500
    hint = ""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        fields: Fields | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.hint = self.hint if hint is None else hint
        self.fields = {name: list(texts) for name, texts in (fields or {}).items()}


class BadInput(CauselineError):
    code = "invalid"
    status = 422
    hint = "Correct the fields named and send the request again."


class UnreadableImage(BadInput):
    code = "image_unreadable"
    hint = "Send a complete JPEG, PNG, BMP, TIFF or WebP file."


class UnknownReference(BadInput):
    code = "unknown_reference"
    hint = "Push what is referred to first, or correct the reference."


class TooLarge(CauselineError):
    code = "too_large"
    status = 413
    hint = "Send less at once."


class Conflict(CauselineError):
    code = "conflict"
    status = 409
    hint = "Read the current state and decide again."


class NoSpace(CauselineError):
    code = "no_space"
    status = 507
    hint = "Free disk space on the server; nothing was stored."


class Unavailable(CauselineError):
    code = "unavailable"
    status = 503
    hint = "Try again in a few seconds."

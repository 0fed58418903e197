"""What is said about each row of a push."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HINTS = {
    "invalid": "Correct the fields named and send this row again.",
    "unknown_reference": "Push what is referred to first, or correct the reference.",
}


@dataclass
class Outcome:
    """What became of one row, as the API answers it."""

    index: int
    external_id: str
    status: str = ""
    code: str = ""
    fields: dict[str, list[str]] = field(default_factory=dict)
    hint: str = ""

    def accept(self, status: str) -> None:
        self.status, self.code, self.fields, self.hint = status, "", {}, ""

    def reject(self, code: str, fields: dict[str, list[str]]) -> None:
        self.status, self.code, self.fields = "rejected", code, fields
        self.hint = HINTS[code]


@dataclass
class CheckedRow:
    """The values of a row that passed its serializer."""

    outcome: Outcome
    values: dict[str, Any]


def sendable(text: object) -> str:
    """`text` as UTF-8 can carry it: lone surrogates are spelt out."""
    return str(text).encode(errors="backslashreplace").decode()


def texts(detail: Any) -> dict[str, list[str]]:
    """What DRF found wrong with a row, by field, in texts that can be sent."""
    if not isinstance(detail, dict):
        return {"non_field_errors": _list(detail)}
    return {
        sendable(name): [sendable(f"{at}: {text}") for at, text in inner.items()]
        if isinstance(inner, dict)
        else _list(inner)
        for name, inner in detail.items()
    }


def _list(detail: Any) -> list[str]:
    found = detail if isinstance(detail, list) else [detail]
    return [sendable(text) for text in found]

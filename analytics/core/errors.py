"""What can be wrong with the data of an analysis, said so that it can be put right."""

from __future__ import annotations

from functools import partial
from typing import Any

HEADING_ROWS = 1


class BundleError(ValueError):
    """A bundle that breaks its contract.

    `row` counts from 0 in the frame; the sentence counts as a spreadsheet does,
    where the heading is row 1.
    """

    def __init__(
        self,
        file: str,
        problem: str,
        hint: str,
        *,
        column: str | None = None,
        row: int | None = None,
    ) -> None:
        self.file = file
        self.column = column
        self.row = row
        self.problem = problem
        self.hint = hint
        super().__init__(f"{self._place()}: {problem}. {hint}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """All of it crosses from one process to another, not its sentence alone."""
        again = partial(BundleError, column=self.column, row=self.row)
        return again, (self.file, self.problem, self.hint)

    def _place(self) -> str:
        parts = [self.file]
        if self.column is not None:
            parts.append(f"column {self.column}")
        if self.row is not None:
            parts.append(f"row {self.row + HEADING_ROWS + 1}")
        return ", ".join(parts)


def one_line(error: Exception) -> str:
    """What an error says, without the line breaks of some libraries."""
    return " ".join(str(error).split())


def wrong_type(file: str, column: str, values: Any, wanted: str) -> BundleError:
    """Of a column whose type (of Arrow) cannot be what is wanted."""
    problem = f"it holds {values.type} and {wanted} are needed"
    return BundleError(file, problem, "Write it as such", column=column)

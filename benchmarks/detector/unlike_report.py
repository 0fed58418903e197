"""The comparison as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HEAD = """\
| set | tool | mAP@0.33 | mAP@0.5 | mAP@0.5:0.95 | seconds | epochs | parameters |
|---|---|---|---|---|---|---|---|
"""


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """A line for each set and tool, the latest that did not fail; sets together."""
    latest = {(row["set"], row["tool"]): row for row in rows if "error" not in row}
    failed = {(row["set"], row["tool"]) for row in rows if "error" in row}
    lines = [_line(latest[key]) for key in sorted(latest)]
    lost = sorted(failed - {*latest})
    lines += [f"| {name} | {tool} | failed |" for name, tool in lost]
    return HEAD + "\n".join(lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    figures = [f"{row[key]:.3f}" for key in ("map33", "map50", "map5095")]
    size = f"{row['parameters'] / 1e6:.2f} M" if row.get("parameters") else ""
    cells = [row["set"], row["tool"], *figures, f"{row['seconds']:.0f}"]
    return "| " + " | ".join([*cells, str(row.get("epochs", "")), size]) + " |"

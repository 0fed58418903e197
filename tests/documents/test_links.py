"""What the documents point at is there, and the index knows all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def prose(document: Path) -> str:
    return _CODE.sub("", document.read_text("utf-8"))


def links(document: Path) -> list[str]:
    """Into this house, not out of it."""
    found = _LINK.findall(prose(document))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(document: Path) -> set[str]:
    """As GitHub names headings."""
    plain = (re.sub(r"[^\w\- ]", "", one) for one in _HEADING.findall(prose(document)))
    return {one.lower().replace(" ", "-") for one in plain}


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)
def test_what_is_pointed_at_is_there(document: Path) -> None:
    for link in links(document):
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_index_knows_all() -> None:
    index = ROOT / "docs/README.md"
    listed = {(index.parent / link).resolve() for link in links(index)}
    there = {path.resolve() for path in (ROOT / "docs").glob("*.md")}
    assert there - {index} <= listed

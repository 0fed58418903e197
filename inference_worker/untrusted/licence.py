"""What a file says of its licence, wherever it says it, and what that asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

_NAMED = ("license", "licence", "license_text", "licence_text", "copyright")
"""The keys that are asked first."""

_CLASSES = "names"
"""A class may be called "license plate"; that says nothing."""

_I = re.IGNORECASE


def _short_name(letters: str) -> str:
    """Standing alone, its version behind it or not: no part of another word."""
    return rf"(?<![a-z0-9]){letters}(?:[\s_-]*v?\.?\d+(?:\.\d+)*)?(?![a-z])"


_AGPL = re.compile(rf"{_short_name('agpl')}|(?<![a-z])affero(?![a-z])", _I)
_LGPL = re.compile(
    rf"{_short_name('lgpl')}|(?:lesser|library)\s+general\s+public\s+licen[cs]e", _I
)
_GPL = re.compile(
    rf"{_short_name('gpl')}|(?<!affero )(?<!lesser )(?<!library )"
    r"general\s+public\s+licen[cs]e",
    _I,
)
_NON_COMMERCIAL = re.compile(
    r"(?<![a-z])cc[\s_-]*by[\s_-]*nc(?![a-z])|non[\s_-]?commercial|"
    r"(?<![a-z])(?:research|academic)(?:\s+(?:use|purposes?))?\s+only",
    _I,
)
_SPEAKS = re.compile(
    r"licen[cs](?!e[\s_-]?plate)|copyright|copyleft|©|all rights reserved|"
    rf"(?<![a-z])(?:spdx|eula|legal)(?![a-z])|\(c\)\s*\d{{4}}|{_short_name('apache')}|"
    r"(?<![a-z])(?:mit|bsd)[\s_-]licen|(?<![a-z])bsd-\d|(?<![a-z])cc[\s_-]by|"
    "许可|授权|版权|著作权",
    _I,
)


class Kind(StrEnum):
    """Licences that ask for something; the strictest of a text counts."""

    AGPL = "agpl"
    GPL = "gpl"
    NON_COMMERCIAL = "non-commercial"
    LGPL = "lgpl"


_PATTERNS = (
    (Kind.AGPL, _AGPL),
    (Kind.GPL, _GPL),
    (Kind.NON_COMMERCIAL, _NON_COMMERCIAL),
    (Kind.LGPL, _LGPL),
)


def licence_entries(metadata: Mapping[str, str]) -> dict[str, str]:
    """The entries whose key or text speaks of a licence, most telling keys first."""
    found = {key: text for key, text in metadata.items() if _tells(key, text)}
    first = sorted(found, key=lambda key: _rank(key.lower()))
    return {key: found[key] for key in first}


def kind_of(text: str) -> Kind | None:
    """The strictest licence that the text names, of those that ask for something."""
    line = " ".join(text.split())
    return next((kind for kind, one in _PATTERNS if one.search(line)), None)


def _tells(key: str, text: str) -> bool:
    if key == _CLASSES or not text.strip():
        return False
    return any(
        _SPEAKS.search(one) is not None or kind_of(one) is not None
        for one in (key, text)
    )


def _rank(key: str) -> int:
    return _NAMED.index(key) if key in _NAMED else len(_NAMED)

"""Text that strangers chose (file and class names) as a terminal may be given it."""

from __future__ import annotations

MOST_QUOTED = 60


def visible(text: str) -> str:
    """On one line, and every character that does not print written as its escape.

    So no name moves the cursor, turns the text around or forges a line. What printed
    before stays as it is: doing it twice changes nothing.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode()
        for one in text
    )


def quoted(value: object) -> str:
    """Its repr, cut to MOST_QUOTED characters."""
    text = repr(value)
    return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}..."

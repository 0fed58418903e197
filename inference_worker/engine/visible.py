"""Text that others chose (names in files, what libraries say) as it may be shown."""

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


def lines_of(error: BaseException) -> list[str]:
    """What a library's error says, a line each without its margins; its kind where it
    says nothing, so that there is always one.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines or [type(error).__name__]


def first_line(error: BaseException) -> str:
    """The one that names the matter, with most libraries."""
    return lines_of(error)[0]

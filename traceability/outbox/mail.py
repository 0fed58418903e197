"""What a renderer makes and a mail transport sends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """An inline JPEG that the HTML shows as `cid:<cid>`."""

    cid: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """One message in the recipient's language.

    Mails of one `thread` (any stable name, may be empty) are shown together.
    """

    subject: str
    text: str
    html: str
    pictures: tuple[Picture, ...] = ()
    thread: str = ""

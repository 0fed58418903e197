"""Mail without a mail server: one `.eml` file a message, for any mail program."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone


class EmailBackend(BaseEmailBackend):
    """Write `<time>-<id>.eml` below `EMAIL_FILE_PATH`, whole or not at all.

    The id follows from the Message-ID: a mail that is sent again can be told.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = Path(settings.EMAIL_FILE_PATH)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for message in email_messages:
            _write(folder, message)
        return len(email_messages)


def _write(folder: Path, message: EmailMessage) -> None:
    content = message.message()
    name = hashlib.sha256(str(content["Message-ID"]).encode()).hexdigest()[:12]
    path = folder / f"{timezone.now():%Y%m%d-%H%M%S}-{name}.eml"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content.as_bytes(linesep="\r\n"))
    draft.replace(path)

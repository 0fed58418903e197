"""Mail, over whatever `EMAIL_BACKEND` says: a real SMTP server, or files."""

from __future__ import annotations

import hashlib
import re
import smtplib
from collections.abc import Mapping
from contextlib import suppress
from email.mime.image import MIMEImage
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.message import utf8_charset_qp

from traceability.outbox.mail import Mail, Picture
from traceability.outbox.renderers import render
from traceability.outbox.transports.errors import (
    DeliveryError,
    NotNow,
    Undeliverable,
    Unreachable,
)

CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
SUBJECT_LENGTH = 150
SERVICE_CLOSING = 421
TOO_BIG = 552
# The server wants another sign-in than the one we are configured with.
NOT_SIGNED_IN = {530, 534, 535, 538}


class EmailTransport:
    """One connection to the mail server, opened by the first message."""

    def __init__(self) -> None:
        self._connection = get_connection()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._connection.close()

    def send(self, recipient: str, message: Mapping[str, Any], key: str) -> None:
        """Render the mail in the recipient's words and hand it to the server."""
        mail = render(message)
        try:
            self._connection.open()  # else it would be closed after every message
            if not self._connection.send_messages([build(mail, recipient, key)]):
                raise Undeliverable("nobody to send it to")
        except OSError as error:  # every SMTP error is one
            raise _reason(error) from error
        except ValueError as error:  # an address or a header that cannot be written
            raise Undeliverable(str(error)) from error


def build(mail: Mail, recipient: str, key: str) -> EmailMultiAlternatives:
    """The message as it leaves: text and HTML beside the pictures that it shows.

    The Message-ID follows from `key` alone, so that a mail sent twice is one mail to
    every program that reads it.
    """
    message = EmailMultiAlternatives(
        subject=CONTROL.sub(" ", mail.subject).strip()[:SUBJECT_LENGTH],
        body=mail.text,
        to=[recipient],
        headers=_headers(mail, key),
    )
    message.encoding = utf8_charset_qp
    message.mixed_subtype = "related"
    message.attach_alternative(mail.html, "text/html")
    for picture in mail.pictures:
        message.attach(_inline(picture))
    return message


def message_id(key: str) -> str:
    """A Message-ID that is always the same for `key`."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{host}>"


def _headers(mail: Mail, key: str) -> dict[str, str]:
    headers = {
        "Message-ID": message_id(key),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if mail.thread:
        thread = message_id(f"thread:{mail.thread}")
        headers |= {"References": thread, "In-Reply-To": thread}
    return headers


def _inline(picture: Picture) -> MIMEImage:
    part = MIMEImage(picture.content, "jpeg")
    part["Content-ID"] = f"<{picture.cid}>"
    part.add_header("Content-Disposition", "inline", filename=f"{picture.cid}.jpg")
    return part


def _reason(error: OSError) -> DeliveryError:
    """What the failure means: for this mail for good, for now, or for all of them."""
    code, text = _code(error)
    about_this_mail = isinstance(
        error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError
    )
    if code == TOO_BIG or "SMTPUTF8" in text:  # a non-ASCII address, an old server
        return Undeliverable(text)
    if not about_this_mail or code == SERVICE_CLOSING or code in NOT_SIGNED_IN:
        return Unreachable(text)
    return Undeliverable(text) if code >= 500 else NotNow(text)


def _code(error: OSError) -> tuple[int, str]:
    """The server's answer: code (0 without one) and text."""
    text: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, text = error.smtp_code, error.smtp_error
    else:
        return 0, f"{type(error).__name__}: {error}"
    shown = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return code, f"{code} {shown}"

"""Refuse a body that nobody will read, before it is read."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse


class LengthMissing(SuspiciousOperation):
    """A body in pieces, without its length: it would be taken for an empty one."""


class BodyTooLarge(RequestDataTooBig):
    """Files of a form are written to disk as they come, whoever sends them where."""


class CharsetUnusable(SuspiciousOperation):
    """Python knows it, but no text can be read with it: `idna`, say, or `zlib`."""


class BodyMiddleware:
    """By the headers alone: `CONTENT_LENGTH` is what a server lets a view read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
            raise LengthMissing
        if length.isdecimal() and int(length) > settings.MAX_BODY_BYTES:
            raise BodyTooLarge
        if not _reads_text(request.encoding or settings.DEFAULT_CHARSET):
            raise CharsetUnusable
        return self.get_response(request)


def _reads_text(charset: str) -> bool:
    """Any bytes, as Django reads forms: what is no letter becomes a mark."""
    try:
        b"\xff".decode(charset, "replace")
    except (LookupError, UnicodeError):
        return False
    return True

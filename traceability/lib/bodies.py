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


class BodyMiddleware:
    """By the header alone: `CONTENT_LENGTH` is what a server lets a view read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
            raise LengthMissing
        if length.isdecimal() and int(length) > settings.MAX_BODY_BYTES:
            raise BodyTooLarge
        return self.get_response(request)

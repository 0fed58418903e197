"""What answers where no view does: JSON below /api/, a designed page elsewhere."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from traceability.api.errors import HINTS, body
from traceability.lib.bodies import BodyTooLarge, CharsetUnusable, LengthMissing

TOO_MANY_FILES = "An upload has at most %d files."
TOO_LARGE = "Without its files a request has at most %d MB."
WHOLE_TOO_LARGE = "With its files a request has at most %d MB."
UTF_8 = "Send the body in UTF-8."
IN_PIECES = "Send the body with a Content-Length, not in chunks."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django itself refuses to read."""
    if not _wants_json(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, TooManyFilesSent):
        hint = TOO_MANY_FILES % (settings.DATA_UPLOAD_MAX_NUMBER_FILES or 0)
        return _error(400, "too_many_files", "There are too many files.", hint)
    if isinstance(exception, LengthMissing):
        return _error(411, "length_required", "The request has no length.", IN_PIECES)
    if isinstance(exception, CharsetUnusable):
        text = "The charset of the request is none that text is written in."
        return _error(415, "unsupported_charset", text, UTF_8)
    if isinstance(exception, BodyTooLarge):
        hint = WHOLE_TOO_LARGE % (settings.MAX_BODY_BYTES // 2**20)
        return _error(413, "too_large", "The request is too large.", hint)
    if isinstance(exception, RequestDataTooBig):
        hint = TOO_LARGE % ((settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) // 2**20)
        return _error(413, "too_large", "The request is too large.", hint)
    hint = "See the documentation at /api/docs/."
    return _error(400, "bad_request", "The request cannot be read.", hint)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _wants_json(request):
        return defaults.permission_denied(request, exception)
    text = "You do not have permission to perform this action."
    return _error(403, "permission_denied", text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not _wants_json(request):
        return defaults.page_not_found(request, exception)
    return _error(404, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Our fault. Says only where to look: the rest is in the log."""
    if not _wants_json(request):
        return defaults.server_error(request)
    hint = "Try again; if it stays, find the request_id in the server's log."
    return _error(500, "internal_error", "Something broke on our side.", hint)


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _error(status: int, code: str, message: str, hint: str = "") -> JsonResponse:
    envelope = body(code, message, hint or HINTS.get(code, ""))
    return JsonResponse(envelope, status=status)

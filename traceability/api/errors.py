"""Every error of the API in one shape: `{code, message, hint, fields, request_id}`."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from traceability.lib.errors import CauselineError, Unavailable
from traceability.lib.request_id import current_request_id

logger = logging.getLogger(__name__)

HINTS = {
    "not_authenticated": "Send 'Authorization: Api-Key <prefix>.<secret>'.",
    "authentication_failed": "Check the key, its expiry, and that it was not revoked.",
    "permission_denied": "Use a key with the scope that this address needs.",
    "parse_error": "Send well-formed JSON (or multipart for images).",
    "method_not_allowed": "See the documentation at /api/docs/.",
    "unsupported_media_type": "See the documentation at /api/docs/.",
    "not_found": "Check the address and the site the key belongs to.",
    "throttled": "Wait as long as Retry-After says.",
}


def body(
    code: str, message: str, hint: str = "", fields: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """The error envelope."""
    return {
        "code": code,
        "message": message,
        "hint": hint,
        "fields": fields or {},
        "request_id": current_request_id(),
    }


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler; None lets an unexpected error become a logged 500."""
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("the database does not do what it is asked", exc_info=error)
        error = Unavailable("The database does not answer.")
    if isinstance(error, UnreadablePostError):
        # A camera lost its cable, or its patience: nothing broke on our side.
        error = exceptions.ParseError("The request broke off.")
    if isinstance(error, CauselineError):
        envelope = body(error.code, error.message, error.hint, error.fields)
        return Response(envelope, status=error.status)
    if isinstance(error, exceptions.ValidationError):
        envelope = body(
            "invalid",
            "Some fields are missing or wrong.",
            "Correct the fields named and send the request again.",
            flatten(error.detail),
        )
        return Response(envelope, status=status.HTTP_422_UNPROCESSABLE_ENTITY)
    response = exception_handler(_as_api_error(error), context)
    if response is None:
        return None
    code = _code_of(error)
    response.data = body(code, _message_of(error), HINTS.get(code, ""))
    return response


def _as_api_error(error: Exception) -> Exception:
    if isinstance(error, Http404):
        return exceptions.NotFound()
    return (
        exceptions.PermissionDenied() if isinstance(error, PermissionDenied) else error
    )


def _code_of(error: Exception) -> str:
    error = _as_api_error(error)
    if isinstance(error, exceptions.APIException):
        codes = error.get_codes()
        return codes if isinstance(codes, str) else error.default_code
    return "error"


def _message_of(error: Exception) -> str:
    return str(getattr(_as_api_error(error), "detail", error))


def flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested error detail as `{dotted.path: [texts]}`."""
    if isinstance(detail, dict):
        pairs = detail.items()
    elif isinstance(detail, list) and any(isinstance(x, dict | list) for x in detail):
        pairs = {str(i): x for i, x in enumerate(detail)}.items()
    else:
        texts = detail if isinstance(detail, list) else [detail]
        return {path or "non_field_errors": [str(text) for text in texts]}
    found: dict[str, list[str]] = {}
    for name, inner in pairs:
        found.update(flatten(inner, f"{path}.{name}" if path else str(name)))
    return found

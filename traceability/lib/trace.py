"""Follow one photo: an id in every log line about it, from the caller (W3C) or ours."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

HEADER = "X-Trace-ID"
NONE = "-"
# https://www.w3.org/TR/trace-context/#traceparent-header
_PARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})"
    r"-[0-9a-f]{2}(?P<more>-.*)?"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What is being followed, since `time.monotonic()` was `began`."""

    id: str
    began: float


_NOTHING = Trace(NONE, 0.0)
_current: ContextVar[Trace] = ContextVar("trace", default=_NOTHING)


def current_trace() -> Trace:
    """Of what this thread works on; its id is `-` where that is nothing."""
    return _current.get()


def continue_trace(trace_id: str) -> None:
    """What this thread works on belongs to another trace, as turned out meanwhile."""
    _current.set(Trace(trace_id, _current.get().began))


@contextmanager
def tracing(trace_id: str) -> Iterator[None]:
    """Log lines within the block carry this id; `-` when it is empty."""
    token = _current.set(Trace(trace_id or NONE, time.monotonic()))
    try:
        yield
    finally:
        _current.reset(token)


def trace_of(traceparent: str) -> str | None:
    """The trace id of a W3C `traceparent`; None when it is none, or not valid."""
    found = _PARENT.fullmatch(traceparent)
    if found is None or found["version"] == "ff":
        return None
    if found["version"] == "00" and found["more"]:
        return None
    zeros = not found["trace"].strip("0") or not found["span"].strip("0")
    return None if zeros else found["trace"]


class TraceMiddleware:
    """Go on with the caller's trace, else begin one; the answer names it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = trace_of(request.headers.get("traceparent", "").strip())
        with tracing(given or uuid.uuid4().hex):
            response = self.get_response(request)
            response[HEADER] = current_trace().id
            return response


class TraceFilter(logging.Filter):
    """Give every log record the current trace's id."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.trace_id = current_trace().id
        return True

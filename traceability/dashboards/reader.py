"""Pages in the reader's language and on the factory's clock."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

ZONE_KEY = "time_zone"


class ReaderMiddleware:
    """Activate the language of the user and the time zone kept in their session.

    Goes after the authentication. Asks nothing of a request without a session, so
    that machines with an API key pay nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.session.session_key is None or not request.user.is_authenticated:
            return self.get_response(request)
        language = request.user.language
        zone = request.session.get(ZONE_KEY)
        with (
            translation.override(language),
            timezone.override(ZoneInfo(zone) if zone else None),
        ):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response

"""Machines come with an API key, people with their session."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from traceability.accounts.models import ApiKey
from traceability.accounts.services import find_api_key

KEYWORD = "Api-Key"


class Machine:
    """Who a request with an API key comes from: authenticated, but no person."""

    is_authenticated = True
    is_active = True
    is_superuser = False
    pk = None

    def __init__(self, key: ApiKey) -> None:
        self.key = key

    def __str__(self) -> str:
        return self.key.name


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`Authorization: Api-Key <prefix>.<secret>`."""

    def authenticate(self, request: Request) -> tuple[Machine, ApiKey] | None:
        keyword, _, text = request.headers.get("Authorization", "").partition(" ")
        if keyword != KEYWORD:
            return None
        key = find_api_key(text.strip())
        if key is None:
            raise AuthenticationFailed("This API key is not valid.")
        return Machine(key), key

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


class SessionAuthentication(authentication.SessionAuthentication):
    """Django's session with CSRF check; an anonymous caller is asked for a key."""

    def authenticate_header(self, request: Any) -> str:
        return KEYWORD


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the documentation describes the key."""

    target_class = "traceability.api.auth.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": f"`{KEYWORD} <prefix>.<secret>`",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "traceability.api.auth.SessionAuthentication"
    name = "Session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}

"""Is this process alive; can it do its work."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError

from traceability.lib.redis import client
from traceability.outbox import links


def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: this process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: the database answers. Without Redis uploads are still taken: degraded.

    So it is while an MQTT broker that results should go to is away.
    """
    checks = {"database": _database(), "redis": _redis()}
    if settings.MQTT is not None:
        checks["mqtt"] = checks["database"] and links.is_up()
    status = "ok" if all(checks.values()) else "degraded"
    code = 200 if checks["database"] else 503
    return JsonResponse({"status": status, **checks}, status=code)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis() -> bool:
    try:
        return bool(client().ping())
    except RedisError:
        return False

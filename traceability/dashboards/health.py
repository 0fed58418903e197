"""For load balancers and supervisors: is it up, can it work."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from redis.exceptions import RedisError

from traceability.lib.redis import client


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers; asks nobody else."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, broker and disk will do, else 503; names which will not."""
    checks = {"database": _database, "redis": _redis, "disk": _disk}
    found = {name: _try(check) for name, check in checks.items()}
    return JsonResponse(found, status=200 if all(found.values()) else 503)


def _try(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, RedisError, OSError):
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _redis() -> bool:
    return bool(client().ping())


def _disk() -> bool:
    return shutil.disk_usage(settings.DATA_DIR).free >= settings.MINIMUM_FREE_BYTES

"""Figures of the web processes and of what waits in the database, for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from traceability.api.depths import Depths
from traceability.lib.exposition import REFUSAL, may_read, written
from traceability.lib.measures import REGISTRY


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For who has the token: the database need not be there to check it."""
    if not may_read(request.headers.get("Authorization", "")):
        refused = HttpResponse(REFUSAL, status=401, content_type="text/plain")
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    body, content_type = written(WebFigures(), request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)


class WebFigures:
    """Of all web processes under gunicorn, else of this one; and of the database."""

    def collect(self) -> Iterator[Metric]:
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            yield from MultiProcessCollector(None).collect()  # type: ignore[no-untyped-call]
        else:
            yield from REGISTRY.collect()
        yield from Depths().collect()

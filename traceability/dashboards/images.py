"""Photos for people: re-encoded, behind sign-in, kept by their browser."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_cache_control

from traceability.accounts.selectors import sites_of
from traceability.dashboards.access import PageRequest, signed_in
from traceability.inspection.media import reencode
from traceability.inspection.models import Image

WIDTHS = (160, 320, 640, 1280)
YEAR = 31_536_000


@signed_in
def image(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """The photo as a JPEG; `?w=` asks for at most that many pixels, rounded up."""
    found = get_object_or_404(Image, pk=pk, site__in=sites_of(request.user))
    width = _width(request.GET.get("w", ""))
    etag = f'"{found.sha256[:32]}-{width or "full"}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(_jpeg(found, width), content_type="image/jpeg")
    response.headers["ETag"] = etag
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = f'inline; filename="{found.pk}.jpg"'
    # Stored photos never change; only the browser of who may see it keeps it.
    patch_cache_control(response, private=True, max_age=YEAR, immutable=True)
    return response


def _width(text: str) -> int | None:
    wanted = int(text) if text.isascii() and text.isdigit() else 0
    return next((width for width in WIDTHS if 0 < wanted <= width), None)


def _jpeg(found: Image, width: int | None) -> bytes:
    try:
        return reencode(found.file, width)
    except FileNotFoundError as error:
        raise Http404 from error

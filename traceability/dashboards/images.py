"""Photos for people: re-encoded, behind sign-in, kept by their browser."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_cache_control

from traceability.accounts.selectors import sites_of
from traceability.dashboards.access import PageRequest, signed_in
from traceability.inspection.golden import visible
from traceability.inspection.media import reencode, sha256
from traceability.inspection.models import Image

WIDTHS = (160, 320, 640, 1280)
YEAR = 31_536_000


@signed_in
def image(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """The photo as a JPEG; `?w=` asks for at most that many pixels, rounded up."""
    found = _image(request, pk)
    return _serve(request, found.file, found.sha256, str(pk))


@signed_in
def image_template(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """The golden template that the photo was taken in with, in the same way."""
    name = _image(request, pk).template
    if not name:
        raise Http404
    return _serve(request, name, sha256(name.encode()), f"{pk}-template")


@signed_in
def golden_image(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """A golden template, in the same way."""
    found = get_object_or_404(visible(sites_of(request.user)), pk=pk)
    return _serve(request, found.file, found.sha256, str(pk))


def _image(request: PageRequest, pk: uuid.UUID) -> Image:
    return get_object_or_404(Image, pk=pk, site__in=sites_of(request.user))


def _serve(request: PageRequest, file: str, key: str, name: str) -> HttpResponse:
    """`key` is another one for other pixels, as a stored file never changes."""
    width = _width(request.GET.get("w", ""))
    etag = f'"{key[:32]}-{width or "full"}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(_jpeg(file, width), content_type="image/jpeg")
    response.headers["ETag"] = etag
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = f'inline; filename="{name}.jpg"'
    # Stored photos never change; only the browser of who may see it keeps it.
    patch_cache_control(response, private=True, max_age=YEAR, immutable=True)
    return response


def _width(text: str) -> int | None:
    wanted = int(text) if text.isascii() and text.isdigit() else 0
    return next((width for width in WIDTHS if 0 < wanted <= width), None)


def _jpeg(file: str, width: int | None) -> bytes:
    try:
        return reencode(file, width)
    except FileNotFoundError as error:
        raise Http404 from error

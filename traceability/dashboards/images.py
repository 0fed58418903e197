"""Photos for people: re-encoded, behind sign-in, kept by their browser."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_cache_control

from traceability.accounts.selectors import sites_of
from traceability.dashboards.access import PageRequest, signed_in
from traceability.inspection import optics
from traceability.inspection.cameras import Optics
from traceability.inspection.golden import visible
from traceability.inspection.lenses import preview
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
def image_seen(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """The photo through its own optics, or through those that `?optics=` names."""
    found = _image(request, pk)
    row = _optics(request) or found.optics
    if row is None:
        return image(request, pk)
    if (found.width, found.height) != (row.width, row.height):
        raise Http404
    key = sha256(f"{found.sha256} {row.pk}".encode())
    name = f"{pk}-seen"
    return _serve(request, found.file, key, name, partial(preview, row=row))


def _optics(request: PageRequest) -> Optics | None:
    named = request.GET.get("optics", "")
    if not named:
        return None
    try:
        pk = uuid.UUID(named)
    except ValueError as error:
        raise Http404 from error
    return get_object_or_404(optics.visible(sites_of(request.user)), pk=pk)


@signed_in
def golden_image(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """A golden template, in the same way."""
    found = get_object_or_404(visible(sites_of(request.user)), pk=pk)
    return _serve(request, found.file, found.sha256, str(pk))


def _image(request: PageRequest, pk: uuid.UUID) -> Image:
    return get_object_or_404(Image, pk=pk, site__in=sites_of(request.user))


def _serve(
    request: PageRequest,
    file: str,
    key: str,
    name: str,
    through: Callable[[bytes], bytes] = bytes,
) -> HttpResponse:
    """`key` is another one for other pixels, as a stored file never changes."""
    width = _width(request.GET.get("w", ""))
    etag = f'"{key[:32]}-{width or "full"}"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        jpeg = through(_jpeg(file, width))
        response = HttpResponse(jpeg, content_type="image/jpeg")
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

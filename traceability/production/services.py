"""Writing what happened to units (the MES's bulk pushes go through `ingest`)."""

from __future__ import annotations

from django.utils import timezone

from traceability.catalog.models import MAX_CODE, Site
from traceability.lib.errors import BadInput, UnknownReference
from traceability.production.models import Unit


def unit_or_placeholder(site: Site, serial: str, *, strict: bool) -> Unit:
    """The unit with `serial`, or a placeholder that waits for the MES to tell of it.

    `strict` refuses unknown serials instead. Raises `BadInput`, `UnknownReference`.
    """
    found = Unit.objects.filter(site=site, serial=serial).first()
    if found is not None:
        return found
    if strict:
        text = f"There is no unit {serial!r} at this site."
        raise UnknownReference(text, code="unknown_serial", fields={"serial": [text]})
    if not serial.isprintable() or not 0 < len(serial) <= MAX_CODE:
        text = "A serial is 1 to 100 visible characters."
        raise BadInput(text, fields={"serial": [text]})
    unit, _ = Unit.objects.get_or_create(
        site=site,
        serial=serial,
        defaults={"registered": False, "received_at": timezone.now()},
    )
    return unit

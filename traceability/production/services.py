"""Writing what happened to units (the MES's bulk pushes go through `ingest`)."""

from __future__ import annotations

from django.utils import timezone

from traceability.catalog.models import MAX_CODE
from traceability.lib.errors import BadInput, UnknownReference
from traceability.production.models import Unit


def known_unit(site_id: int, serial: str, *, strict: bool) -> Unit | None:
    """The unit with `serial`; None where a placeholder may be made.

    `strict` refuses unknown serials instead. Raises `BadInput`, `UnknownReference`.
    """
    unit = Unit.objects.filter(site=site_id, serial=serial).first()
    if unit is None:
        _check_serial(serial, strict=strict)
    return unit


def placeholder(site_id: int, serial: str) -> Unit:
    """A unit that waits for the MES to tell of it, by a checked serial; not saved."""
    return Unit(
        site_id=site_id, serial=serial, registered=False, received_at=timezone.now()
    )


def _check_serial(serial: str, *, strict: bool) -> None:
    """Whether a placeholder may be made for it."""
    if strict:
        text = f"There is no unit {serial!r} at this site."
        raise UnknownReference(text, code="unknown_serial", fields={"serial": [text]})
    if not serial.isprintable() or not 0 < len(serial) <= MAX_CODE:
        text = "A serial is 1 to 100 visible characters."
        raise BadInput(text, fields={"serial": [text]})

"""Take photos in, and write down what was seen on them."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError
from django.utils import timezone

from traceability.accounts.models import ApiKey, User
from traceability.catalog.models import Station
from traceability.inspection import media
from traceability.inspection.entering import Known, Stored, enter
from traceability.inspection.fitting import check_shape
from traceability.inspection.golden import golden_of, station_named
from traceability.inspection.models import GoldenTemplate, Inspection, Verdict
from traceability.inspection.optics import active as active_optics
from traceability.inspection.uploads import Accepted, Upload, sent_before
from traceability.lib.errors import BadInput
from traceability.lib.images import ImageFacts, examine
from traceability.production.models import Unit
from traceability.production.services import known_unit

logger = logging.getLogger(__name__)


def accept(key: ApiKey, upload: Upload) -> Accepted:
    """Store a photo and enqueue its inspection, or find the one it already has.

    Everything is checked before anything is written; the file is on disk before the
    row commits, and removed again if it does not. Raises `BadInput`, `UnreadableImage`,
    `UnknownReference`, `TooLarge` or `NoSpace`.
    """
    known = sent_before(key, upload)
    if known is not None:
        return known
    station = station_named(key.site_id, upload.station)
    ahead = _check_clock(upload.captured_at)
    facts = _examine(upload.image, "image")
    if upload.image_of_template is not None:
        check_shape(facts, _examine(upload.image_of_template, "image_of_template"))
    about = _look_up(key, upload, station, facts, ahead=ahead)
    upload.laps.lap("check")
    stored = _store_files(upload)
    upload.laps.lap("store")
    try:
        accepted = _enter(key, upload, about, stored)
    except IntegrityError:
        # The same upload, twice at once: the other one won.
        _remove_files(stored)
        known = sent_before(key, upload)
        if known is None:
            raise
        return known
    except (OperationalError, InterfaceError):
        # Perhaps it did commit before the connection broke: the sweep will know.
        raise
    except BaseException:
        _remove_files(stored)
        raise
    upload.laps.lap("enter")
    _log(accepted.inspection, upload)
    return accepted


def _log(inspection: Inspection, upload: Upload) -> None:
    """One line, to be read by people and programs."""
    about = {
        "inspection": str(inspection.pk),
        "station": upload.station,
        "serial": upload.serial,
        "bytes": len(upload.image),
    }
    logger.info("inspection.accepted %s", json.dumps(about, ensure_ascii=False))


def _check_clock(captured_at: datetime) -> bool:
    """Whether the camera's clock is ahead of ours; raises when beyond the limit."""
    ahead = captured_at - timezone.now()
    if ahead > timedelta(hours=settings.CAPTURED_AHEAD_HOURS):
        text = f"captured_at is {ahead.total_seconds() / 3600:.0f} hours ahead."
        raise BadInput(
            text,
            code="captured_in_future",
            hint="Set the camera's clock; times need a zone, such as +08:00.",
            fields={"captured_at": [text]},
        )
    return ahead > timedelta(minutes=1)


def _examine(data: bytes, field_name: str) -> ImageFacts:
    return examine(data, field_name, max_pixels=settings.MAX_IMAGE_PIXELS)


def _store_files(upload: Upload) -> Stored:
    now = timezone.now()
    file = media.store(upload.image, now)
    if upload.image_of_template is None:
        return Stored(file, "")
    try:
        return Stored(file, media.store(upload.image_of_template, now))
    except BaseException:
        media.remove(file)
        raise


def _remove_files(stored: Stored) -> None:
    for name in filter(None, (stored.file, stored.template)):
        media.remove(name)


def _look_up(
    key: ApiKey, upload: Upload, station: Station, facts: ImageFacts, *, ahead: bool
) -> Known:
    strict = settings.STRICT_SERIALS
    unit = known_unit(key.site_id, upload.serial, strict=strict)
    return Known(
        station,
        unit,
        _golden(upload, unit, station),
        next(iter(active_optics(station)), None),
        facts,
        media.sha256(upload.image),
        ahead,
    )


def _golden(
    upload: Upload, unit: Unit | None, station: Station
) -> GoldenTemplate | None:
    """The one that is stored, where the photo did not bring its own."""
    if unit is None or upload.image_of_template is not None:
        return None
    return golden_of(unit, station)


def _enter(key: ApiKey, upload: Upload, about: Known, stored: Stored) -> Accepted:
    try:
        return enter(key, upload, about, stored)
    except IntegrityError:
        if about.unit is not None:
            raise
    # Of its unit somebody told just now, perhaps the MES, who knows its product too.
    again = _look_up(key, upload, about.station, about.facts, ahead=about.ahead)
    return enter(key, upload, again, stored)


def give_verdict(
    inspection: Inspection, user: User, value: str, note: str = ""
) -> Verdict:
    """Keep what a person says; earlier verdicts stay, the newest one counts."""
    return Verdict.objects.create(
        inspection=inspection,
        user=user,
        value=Verdict.Value(value),
        note=note[:500],
        created_at=timezone.now(),
    )

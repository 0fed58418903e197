"""Take photos in, and write down what was seen on them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from traceability.accounts.models import ApiKey, User
from traceability.catalog.models import Station
from traceability.inspection import media
from traceability.inspection.cameras import Optics
from traceability.inspection.fitting import check_shape, misshapen
from traceability.inspection.golden import golden_of, station_named
from traceability.inspection.models import (
    GoldenTemplate,
    Image,
    Inspection,
    Verdict,
)
from traceability.inspection.optics import active as active_optics
from traceability.inspection.optics import unfit
from traceability.inspection.uploads import Accepted, Upload, sent_before
from traceability.jobs import services as jobs
from traceability.lib.errors import BadInput
from traceability.lib.images import ImageFacts, examine
from traceability.production.models import Unit
from traceability.production.services import known_unit, make_placeholder

logger = logging.getLogger(__name__)

TASK = "inference_worker.inspect"
QUEUE = "inspect"


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
        accepted = _write(key, upload, about, stored)
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


@dataclass(frozen=True)
class _Stored:
    """Files of this upload alone; `template` is empty when none was sent."""

    file: str
    template: str


def _store_files(upload: Upload) -> _Stored:
    now = timezone.now()
    file = media.store(upload.image, now)
    if upload.image_of_template is None:
        return _Stored(file, "")
    try:
        return _Stored(file, media.store(upload.image_of_template, now))
    except BaseException:
        media.remove(file)
        raise


def _remove_files(stored: _Stored) -> None:
    for name in filter(None, (stored.file, stored.template)):
        media.remove(name)


@dataclass(frozen=True)
class _Known:
    """What there is about a photo, looked up before its transaction begins: nobody who
    wants to write has to wait for that. `unit` is None where a placeholder is to be
    made.
    """

    station: Station
    unit: Unit | None
    golden: GoldenTemplate | None
    optics: Optics | None
    facts: ImageFacts
    sha256: str
    ahead: bool


def _look_up(
    key: ApiKey, upload: Upload, station: Station, facts: ImageFacts, *, ahead: bool
) -> _Known:
    strict = settings.STRICT_SERIALS
    unit = known_unit(key.site_id, upload.serial, strict=strict)
    return _Known(
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


@transaction.atomic
def _write(key: ApiKey, upload: Upload, known: _Known, stored: _Stored) -> Accepted:
    unit, golden = known.unit, known.golden
    if unit is None:
        # The MES may have told of it meanwhile, and of its product.
        unit = make_placeholder(key.site_id, upload.serial)
        golden = _golden(upload, unit, known.station)
    facts, now = known.facts, timezone.now()
    image = Image.objects.create(
        site_id=key.site_id,
        unit=unit,
        station=known.station,
        api_key=key,
        external_id=upload.external_id or None,
        idempotency_key=upload.idempotency_key or None,
        captured_at=upload.captured_at,
        received_at=now,
        clock_ahead=known.ahead,
        file=stored.file,
        template=golden.file if golden else stored.template,
        optics=known.optics,
        media_type=facts.media_type,
        sha256=known.sha256,
        width=facts.width,
        height=facts.height,
        size=len(upload.image),
    )
    inspection = Inspection.objects.create(
        image=image,
        trace_id=upload.trace_id,
        timings_ms=upload.laps.milliseconds(),
        created_at=now,
    )
    arguments = {"inspection": str(inspection.id)}
    jobs.enqueue(TASK, arguments, queue=QUEUE, tenant=key.site_id)
    return Accepted(inspection, created=True, warnings=_warnings(known, unit, golden))


def _warnings(
    known: _Known, unit: Unit, golden: GoldenTemplate | None
) -> list[dict[str, str]]:
    """What is odd about a photo that is taken in nevertheless."""
    warnings = list[dict[str, str]]()
    if not unit.registered:
        text = f"Serial {unit.serial!r} is not known yet; a placeholder unit was made."
        warnings.append({"code": "unknown_serial", "message": text})
    if known.ahead:
        text = "captured_at is in the future."
        warnings.append({"code": "clock_ahead", "message": text})
    if golden is not None:
        warnings += misshapen(golden, known.facts)
    if known.optics is not None:
        warnings += unfit(known.optics, known.facts)
    return warnings


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

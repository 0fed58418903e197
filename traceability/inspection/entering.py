"""Write the rows of a photo whose file is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Subquery
from django.utils import timezone

from traceability.accounts.models import ApiKey
from traceability.catalog.models import Station
from traceability.inspection.cameras import Optics
from traceability.inspection.fitting import misshapen
from traceability.inspection.models import GoldenTemplate, Image, Inspection
from traceability.inspection.optics import unfit
from traceability.inspection.uploads import Accepted, Upload
from traceability.jobs import services as jobs
from traceability.lib.images import ImageFacts
from traceability.lib.statements import Statement, insertion, run_all
from traceability.production.models import Unit
from traceability.production.services import placeholder

TASK = "inference_worker.inspect"
QUEUE = "inspect"


@dataclass(frozen=True)
class Stored:
    """Files of this upload alone; `template` is empty when none was sent."""

    file: str
    template: str


@dataclass(frozen=True)
class Known:
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


def enter(key: ApiKey, upload: Upload, known: Known, stored: Stored) -> Accepted:
    """All in one transaction, with the job that inspects the photo.

    Raises IntegrityError where one of the rows is there already: then none is written.
    """
    now = timezone.now()
    unit = known.unit or placeholder(key.site_id, upload.serial)
    image = _image(key, upload, known, stored, unit, now)
    inspection = Inspection(
        image=image,
        trace_id=upload.trace_id,
        timings_ms=upload.laps.milliseconds(),
        created_at=now,
    )
    rows = [*_units(known, unit), *insertion([image]), *insertion([inspection])]
    arguments = {"inspection": str(inspection.id)}
    job = jobs.Draft(TASK, arguments, queue=QUEUE, tenant=key.site_id)
    with transaction.atomic():
        run_all(rows)
        job.enter()
    image.unit = unit
    return Accepted(inspection, created=True, warnings=_warnings(known, unit))


def _units(known: Known, unit: Unit) -> list[Statement]:
    return insertion([unit]) if known.unit is None else []


def _image(
    key: ApiKey,
    upload: Upload,
    known: Known,
    stored: Stored,
    unit: Unit,
    now: datetime,
) -> Image:
    """The row; of a unit that has no number yet it has the question for it."""
    numbers = Unit.objects.filter(site=key.site_id, serial=unit.serial).values("pk")
    return Image(
        site_id=key.site_id,
        unit_id=unit.pk or Subquery(numbers),
        station=known.station,
        api_key=key,
        external_id=upload.external_id or None,
        idempotency_key=upload.idempotency_key or None,
        captured_at=upload.captured_at,
        received_at=now,
        clock_ahead=known.ahead,
        file=stored.file,
        template=known.golden.file if known.golden else stored.template,
        optics=known.optics,
        media_type=known.facts.media_type,
        sha256=known.sha256,
        width=known.facts.width,
        height=known.facts.height,
        size=len(upload.image),
    )


def _warnings(known: Known, unit: Unit) -> list[dict[str, str]]:
    """What is odd about a photo that is taken in nevertheless."""
    warnings = list[dict[str, str]]()
    if not unit.registered:
        text = f"Serial {unit.serial!r} is not known yet; a placeholder unit was made."
        warnings.append({"code": "unknown_serial", "message": text})
    if known.ahead:
        text = "captured_at is in the future."
        warnings.append({"code": "clock_ahead", "message": text})
    if known.golden is not None:
        warnings += misshapen(known.golden, known.facts)
    if known.optics is not None:
        warnings += unfit(known.optics, known.facts)
    return warnings

"""What a camera sends, and what it has sent before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Prefetch, prefetch_related_objects

from traceability.accounts.models import ApiKey
from traceability.inspection import media
from traceability.inspection.models import (
    Defect,
    GoldenTemplate,
    Image,
    Inspection,
    InspectionRole,
)
from traceability.lib.measures import Laps


@dataclass(frozen=True)
class Upload:
    """A photo as a camera sends it; `image_of_template` is the golden board, if any.

    `laps` times the way in: what is in it when the rows are written stays with them.
    """

    image: bytes
    serial: str
    station: str
    captured_at: datetime
    external_id: str | None = None
    idempotency_key: str | None = None
    image_of_template: bytes | None = None
    trace_id: str = ""
    laps: Laps = field(default_factory=Laps)


@dataclass
class Accepted:
    """The inspection of an upload. `created` is false when it had been sent before."""

    inspection: Inspection
    created: bool
    warnings: list[dict[str, str]] = field(default_factory=list)


def sent_before(key: ApiKey, upload: Upload) -> Accepted | None:
    """The inspection that this key made by the same id, if any."""
    for name in ("external_id", "idempotency_key"):
        value = getattr(upload, name)
        image = _image_of(key, {name: value}) if value else None
        if image is not None:
            found = Inspection.objects.get(image=image, role=InspectionRole.LIVE)
            found.image = image
            return Accepted(found, created=False, warnings=_differs(found, upload))
    return None


def _image_of(key: ApiKey, named: dict[str, str]) -> Image | None:
    """None or one; nearly always there is none, so no other tables are joined."""
    return next(iter(Image.objects.filter(api_key=key, **named)), None)


def with_result(inspection: Inspection) -> Inspection:
    """It as a worker may have left it meanwhile, with its defects; the image is as it
    was at hand.
    """
    seen = Inspection.objects.select_related("model_version").get(pk=inspection.pk)
    seen.image = inspection.image
    if seen.defective:
        boxes = Defect.objects.select_related("defect_class").order_by("pk")
        prefetch_related_objects([seen], Prefetch("defects", boxes))
    return seen


def _differs(found: Inspection, upload: Upload) -> list[dict[str, str]]:
    """A warning for each thing that the first upload of this id said otherwise."""
    image = found.image
    said: dict[str, tuple[str | None, str | None]] = {
        "image": (image.sha256, media.sha256(upload.image)),
        "serial": (image.unit.serial, upload.serial),
        "station": (image.station.code, upload.station),
        "image_of_template": _templates_sent(image, upload),
    }
    return [
        {
            "code": f"different_{name}_ignored",
            "message": (
                f"This id was used before with another {name}; that inspection is "
                "returned and nothing new was stored."
            ),
        }
        for name, (before, now) in said.items()
        if before != now
    ]


def _templates_sent(image: Image, upload: Upload) -> tuple[str | None, str | None]:
    """The checksums of what the first upload brought, and this one; None for none."""
    sent = upload.image_of_template
    now = media.sha256(sent) if sent is not None else None
    if not image.template or GoldenTemplate.objects.filter(file=image.template):
        return None, now
    try:
        return media.sha256(media.read(image.template)), now
    except FileNotFoundError:  # nobody can tell any more
        return now, now

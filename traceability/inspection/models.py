"""Images of units, what a detector saw on them, and what people say of that."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from traceability.accounts.models import ApiKey
from traceability.catalog.models import DefectClass, Product, Site, Station
from traceability.inspection.cameras import Optics
from traceability.inspection.workers import Device  # noqa: F401  # one of the tables
from traceability.production.models import Unit


class ModelVersion(models.Model):
    """A detector as it was used: model name and version.

    `wants_template` is true of a model that sees each photo beside its template.
    """

    model = models.CharField(max_length=100)
    version = models.CharField(max_length=50)
    classes = models.JSONField(default=list)
    wants_template = models.BooleanField(default=False)
    first_used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "version"], name="model_version_natural_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.version}"


class GoldenTemplate(models.Model):
    """A photo of a faultless unit: what models compare a station's photos with.

    One is active for each product and station. A new one retires it and keeps the row
    and the file, because images go on naming the file they were seen with.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    product = models.ForeignKey(
        Product, models.PROTECT, related_name="golden_templates"
    )
    station = models.ForeignKey(
        Station, models.PROTECT, related_name="golden_templates"
    )
    api_key = models.ForeignKey(
        ApiKey, models.SET_NULL, null=True, blank=True, related_name="golden_templates"
    )
    file = models.CharField(max_length=100, unique=True)
    media_type = models.CharField(max_length=30)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text=_("bytes"))
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product", "station"],
                condition=models.Q(retired_at__isnull=True),
                name="golden_template_one_active",
            )
        ]
        indexes = [
            models.Index(
                fields=["station", "-created_at"], name="golden_template_newest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.product} at {self.station}"


class Image(models.Model):
    """A photo as a camera sent it; `file` and `template` are below the media root.

    Photos that were seen with the same golden template name the same file. `optics` are
    what its station had when it came in, and what every look at it goes through.
    `captured_at` is the camera's clock, `received_at` ours; `clock_ahead` marks a photo
    that claims to come from the future.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, models.CASCADE, related_name="images")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="images")
    station = models.ForeignKey(Station, models.PROTECT, related_name="images")
    api_key = models.ForeignKey(
        ApiKey, models.SET_NULL, null=True, blank=True, related_name="images"
    )
    # Both are unique per key when given; NULL never collides.
    external_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    captured_at = models.DateTimeField()
    received_at = models.DateTimeField()
    clock_ahead = models.BooleanField(default=False)
    file = models.CharField(max_length=100)
    template = models.CharField(max_length=100, blank=True)
    optics = models.ForeignKey(
        Optics, models.PROTECT, null=True, blank=True, related_name="images"
    )
    media_type = models.CharField(max_length=30)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text=_("bytes"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "external_id"], name="image_external_id"
            ),
            models.UniqueConstraint(
                fields=["api_key", "idempotency_key"], name="image_idempotency_key"
            ),
        ]
        indexes = [
            models.Index(fields=["station", "captured_at"], name="image_station_order"),
            models.Index(fields=["site", "-captured_at"], name="image_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.unit} at {self.station}"


class InspectionRole(models.TextChoices):
    LIVE = "live", _("live")
    SHADOW = "shadow", _("shadow")
    RERUN = "rerun", _("rerun")


class InspectionState(models.TextChoices):
    PENDING = "pending", _("waiting")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class Inspection(models.Model):
    """One look of one detector at one image.

    `timings_ms` maps stage → milliseconds; `defective` is the detector's verdict.
    `trace_id` is of the upload, as W3C's Trace Context has it; several may share one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    image = models.ForeignKey(Image, models.CASCADE, related_name="inspections")
    role = models.CharField(
        max_length=10, choices=InspectionRole, default=InspectionRole.LIVE
    )
    state = models.CharField(
        max_length=10, choices=InspectionState, default=InspectionState.PENDING
    )
    model_version = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="inspections"
    )
    backend = models.CharField(max_length=20, blank=True)
    precision = models.CharField(max_length=10, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    timings_ms = models.JSONField(default=dict)
    defective = models.BooleanField(null=True, blank=True)
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    trace_id = models.CharField(max_length=32, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["image", "model_version", "role"], name="inspection_once"
            ),
            models.UniqueConstraint(
                fields=["image"],
                condition=models.Q(role="live"),
                name="inspection_one_live",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="inspection_newest"),
            models.Index(fields=["trace_id"], name="inspection_trace"),
        ]

    def __str__(self) -> str:
        return f"{self.image} ({self.state})"


class Defect(models.Model):
    """A box around a defect: top-left corner and size in pixels of the original image.

    The same box as shares 0..1 of the image is derived, see `relative`.
    """

    inspection = models.ForeignKey(Inspection, models.CASCADE, related_name="defects")
    defect_class = models.ForeignKey(
        DefectClass, models.PROTECT, related_name="defects"
    )
    score = models.FloatField()
    x = models.FloatField(help_text=_("pixels"))
    y = models.FloatField(help_text=_("pixels"))
    width = models.FloatField(help_text=_("pixels"))
    height = models.FloatField(help_text=_("pixels"))
    relative_x = models.FloatField()
    relative_y = models.FloatField()
    relative_width = models.FloatField()
    relative_height = models.FloatField()

    def __str__(self) -> str:
        return f"{self.defect_class} {self.score:.2f}"


class Verdict(models.Model):
    """What a person says of an inspection; the newest one counts."""

    class Value(models.TextChoices):
        CONFIRMED = "confirmed", _("the detector is right")
        FALSE_ALARM = "false_alarm", _("false alarm")
        MISSED = "missed", _("a defect was missed")

    inspection = models.ForeignKey(Inspection, models.CASCADE, related_name="verdicts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT)
    value = models.CharField(max_length=20, choices=Value)
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.value} by {self.user}"

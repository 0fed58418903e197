"""The table of what is done to a station's photos before a detector sees them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from traceability.accounts.models import ApiKey
from traceability.catalog.models import Station


class Optics(models.Model):
    """How a station's camera sees: its lens, the region to look at, its noise.

    One is active for each station. A new one retires it and keeps the row, because
    images go on naming what they were taken with. `width` and `height` are those that
    its photos must have. `camera` is fx, fy, cx, cy in pixels and `distortion` k1, k2,
    p1, p2, k3 … as OpenCV has them, both empty without a calibration; `sha256` is of
    its file. `region` is left, top, width, height in pixels of the photo without its
    distortion, empty for all of it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    station = models.ForeignKey(Station, models.PROTECT, related_name="optics")
    api_key = models.ForeignKey(
        ApiKey, models.SET_NULL, null=True, blank=True, related_name="optics"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True
    )
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    camera = models.JSONField(default=list)
    distortion = models.JSONField(default=list)
    sha256 = models.CharField(max_length=64, blank=True)
    region = models.JSONField(default=list)
    denoise = models.PositiveSmallIntegerField(default=0, help_text=_("percent"))
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "optics"
        constraints = [
            models.UniqueConstraint(
                fields=["station"],
                condition=models.Q(retired_at__isnull=True),
                name="optics_one_active",
            )
        ]
        indexes = [
            models.Index(fields=["station", "-created_at"], name="optics_newest")
        ]

    def __str__(self) -> str:
        return f"{self.station} {self.width} × {self.height}"

    @property
    def seen(self) -> tuple[int, int]:
        """(width, height) of what a detector sees of a photo."""
        _, _, width, height = self.region or (0, 0, self.width, self.height)
        return width, height

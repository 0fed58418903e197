"""Rules, and what they raised."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from traceability.attribution.models import Problem
from traceability.catalog.models import DefectClass, Line, Site, Station
from traceability.inspection.models import Inspection


class AlertKind(models.TextChoices):
    EXCURSION = "excursion", _("the defect rate rose")
    CONSECUTIVE = "consecutive", _("consecutive defects")
    PARAMETER_LIMIT = "parameter_limit", _("a parameter left its limits")
    DEGRADED = "degraded", _("photos are inspected in a slower way")


class AlertRule(models.Model):
    """What is worth waking somebody for. Empty line, station or class means any.

    For each place and class the most specific rule decides, see `selectors.rule_for`:
    one that is not enabled keeps its place quiet.
    """

    site = models.ForeignKey(Site, models.CASCADE, related_name="alert_rules")
    kind = models.CharField(max_length=20, choices=AlertKind)
    line = models.ForeignKey(
        Line, models.CASCADE, null=True, blank=True, related_name="alert_rules"
    )
    station = models.ForeignKey(
        Station, models.CASCADE, null=True, blank=True, related_name="alert_rules"
    )
    defect_class = models.ForeignKey(
        DefectClass, models.CASCADE, null=True, blank=True, related_name="alert_rules"
    )
    consecutive = models.PositiveSmallIntegerField(
        default=3, help_text=_("this many defective units in a row")
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(consecutive__gte=2, consecutive__lte=50),
                name="rule_two_to_fifty_in_a_row",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.station or self.line or self.site}"


class AlertState(models.TextChoices):
    OPEN = "open", _("open")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    CLOSED = "closed", _("closed")
    # A photo that came late showed that there had never been enough in a row.
    WITHDRAWN = "withdrawn", _("withdrawn")


class Alert(models.Model):
    """One thing that went wrong, told once however often it is seen again.

    `key` names what it is about (rule, place, class or parameter, and for consecutive
    defects where the run began); only one live alert exists per key. `event_at` is when
    it began on the line, `last_event_at` its newest sign there, `raised_at` when we
    knew. `mailed` is false for what was too old to wake anybody, and where nobody
    answers. `details` of consecutive defects: how many (`consecutive`, with `more` or
    more than that) and the last `serials`; of a parameter and of a way to inspect,
    which have no defect class: what their event told.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule = models.ForeignKey(AlertRule, models.RESTRICT, related_name="alerts")
    site = models.ForeignKey(Site, models.CASCADE, related_name="alerts")
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=AlertState, default=AlertState.OPEN)
    line = models.ForeignKey(Line, models.CASCADE, related_name="alerts")
    station = models.ForeignKey(
        Station, models.CASCADE, null=True, blank=True, related_name="alerts"
    )
    defect_class = models.ForeignKey(
        DefectClass, models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    problem = models.ForeignKey(
        Problem, models.SET_NULL, null=True, blank=True, related_name="alerts"
    )
    inspection = models.ForeignKey(
        Inspection, models.SET_NULL, null=True, blank=True, related_name="alerts"
    )
    details = models.JSONField(default=dict)
    occurrences = models.PositiveIntegerField(default=1)
    mailed = models.BooleanField(default=False)
    event_at = models.DateTimeField()
    last_event_at = models.DateTimeField()
    raised_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="acknowledged_alerts",
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="closed_alerts",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                condition=models.Q(state__in=["open", "acknowledged"]),
                name="alert_one_live_per_key",
            )
        ]
        indexes = [
            models.Index(fields=["site", "state", "-raised_at"], name="alert_inbox"),
            models.Index(fields=["station", "last_event_at"], name="alert_of_run"),
        ]

    def __str__(self) -> str:
        told = self.details
        about = self.defect_class or told.get("parameter") or told.get("rung", "")
        return f"{self.rule.kind} {about} ({self.state})"

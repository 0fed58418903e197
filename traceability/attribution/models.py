"""What an analysis said, kept so that its permalink says the same next year."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from traceability.catalog.models import DefectClass, Line


class RunState(models.TextChoices):
    DONE = "done", _("done")
    TOO_LITTLE_DATA = "too_little_data", _("too little data")


class AnalysisRun(models.Model):
    """One analysis of one line: what went in (fingerprint, parameters) and came out.

    `snapshot`: folder of the bundle it saw, below `RUNS_ROOT`; empty when none was
    kept, or when it was removed again, which `snapshot_removed_at` tells apart.
    `environment`: versions of what computed it, by name.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    line = models.ForeignKey(Line, models.CASCADE, related_name="analysis_runs")
    state = models.CharField(max_length=20, choices=RunState, default=RunState.DONE)
    message = models.CharField(max_length=500, blank=True)
    window_start = models.DateTimeField(null=True, blank=True)
    window_end = models.DateTimeField(null=True, blank=True)
    units = models.PositiveIntegerField(default=0)
    hypotheses = models.PositiveIntegerField(default=0)
    parameters = models.JSONField(default=dict)
    seed = models.BigIntegerField(default=0)
    code_version = models.CharField(max_length=50)
    environment = models.JSONField(default=dict)
    snapshot = models.CharField(max_length=100, blank=True)
    snapshot_bytes = models.PositiveBigIntegerField(default=0)
    snapshot_removed_at = models.DateTimeField(null=True, blank=True)
    input_sha256 = models.CharField(max_length=64)
    result_sha256 = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["line", "-finished_at"], name="run_newest")]

    def __str__(self) -> str:
        return f"{self.line} {self.finished_at:%Y-%m-%d %H:%M}"


class Problem(models.Model):
    """A cluster of defects of one class, with an onset when its rate rose."""

    class Question(models.TextChoices):
        EXCURSION = "excursion", _("what changed")
        CHRONIC = "chronic", _("what is always risky")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(AnalysisRun, models.CASCADE, related_name="problems")
    defect_class = models.ForeignKey(
        DefectClass, models.PROTECT, related_name="problems"
    )
    cluster = models.CharField(max_length=50, default="all")
    question = models.CharField(max_length=10, choices=Question)
    defective_units = models.PositiveIntegerField()
    rate = models.FloatField()
    onset = models.DateTimeField(null=True, blank=True)
    last_defect_at = models.DateTimeField(null=True, blank=True)
    unexplained_share = models.FloatField(null=True, blank=True)
    not_recorded = models.JSONField(default=list)
    credible_sets = models.JSONField(default=list)
    overview = models.JSONField(default=dict, help_text=_("evidence frame of the rate"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "defect_class", "cluster"], name="problem_natural_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.defect_class} ({self.question})"


class Cause(models.Model):
    """A ranked candidate. Words are made from `statement` in the reader's language."""

    problem = models.ForeignKey(Problem, models.CASCADE, related_name="causes")
    chronic = models.BooleanField(default=False, help_text=_("of the second list"))
    rank = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)
    operation = models.CharField(max_length=100, blank=True)
    factor = models.JSONField()
    level = models.JSONField()
    statement = models.JSONField()
    confidence = models.FloatField()
    credible_set = models.PositiveSmallIntegerField(null=True, blank=True)
    relative_risk = models.FloatField(null=True, blank=True)
    relative_risk_low = models.FloatField(null=True, blank=True)
    relative_risk_high = models.FloatField(null=True, blank=True)
    exposed_units = models.PositiveIntegerField(default=0)
    exposed_rate = models.FloatField(null=True, blank=True)
    other_rate = models.FloatField(null=True, blank=True)
    attributable_defects = models.FloatField(null=True, blank=True)
    attributable_low = models.FloatField(null=True, blank=True)
    attributable_high = models.FloatField(null=True, blank=True)
    onset = models.DateTimeField(null=True, blank=True)
    onset_low = models.DateTimeField(null=True, blank=True)
    onset_high = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["chronic", "rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["problem", "chronic", "rank"], name="cause_natural_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.kind} {self.level} ({self.confidence:.2f})"


class Evidence(models.Model):
    """The frame behind a cause's chart, as compact columns."""

    cause = models.OneToOneField(Cause, models.CASCADE, related_name="evidence")
    chart = models.CharField(max_length=30)
    frame = models.JSONField()

    class Meta:
        verbose_name_plural = "evidence"

    def __str__(self) -> str:
        return f"{self.chart} of {self.cause}"

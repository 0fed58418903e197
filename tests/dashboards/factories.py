"""Rows for tests of pages: one class for each table, every field with a default."""

from __future__ import annotations

import datetime as dt
import hashlib

import factory
from django.conf import settings
from django.utils import timezone
from factory.django import DjangoModelFactory

from traceability.accounts.models import Membership, Role, User
from traceability.alerts.models import Alert, AlertKind, AlertRule
from traceability.attribution.models import AnalysisRun, Cause, Evidence, Problem
from traceability.catalog.models import DefectClass, Line, Product, Site, Station
from traceability.inspection.cameras import Optics
from traceability.inspection.models import (
    Defect,
    GoldenTemplate,
    Image,
    Inspection,
    InspectionState,
    ModelVersion,
)
from traceability.jobs.models import Job, JobState
from traceability.production.models import Unit

PASSWORD = "correct horse battery"


def ago(**span):
    return factory.LazyFunction(lambda: timezone.now() - dt.timedelta(**span))


class SiteFactory(DjangoModelFactory):
    class Meta:
        model = Site
        django_get_or_create = ["code"]

    code = "S1"
    name = "Suzhou plant"
    time_zone = "Asia/Shanghai"


class LineFactory(DjangoModelFactory):
    class Meta:
        model = Line
        django_get_or_create = ["site", "code"]

    site = factory.SubFactory(SiteFactory)
    code = "L1"


class StationFactory(DjangoModelFactory):
    class Meta:
        model = Station
        django_get_or_create = ["site", "code"]

    line = factory.SubFactory(LineFactory)
    site = factory.SelfAttribute("line.site")
    code = "AOI-1"


class ProductFactory(DjangoModelFactory):
    class Meta:
        model = Product
        django_get_or_create = ["site", "code"]

    site = factory.SubFactory(SiteFactory)
    code = "P1"


class DefectClassFactory(DjangoModelFactory):
    class Meta:
        model = DefectClass
        django_get_or_create = ["code"]

    code = "short"
    name_en = "Short"
    name_zh = "短路"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = factory.django.Password(PASSWORD)


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    site = factory.SubFactory(SiteFactory)
    role = Role.ENGINEER


class UnitFactory(DjangoModelFactory):
    class Meta:
        model = Unit

    site = factory.SubFactory(SiteFactory)
    serial = factory.Sequence(lambda n: f"SN{n:06d}")
    product = factory.SubFactory(ProductFactory, site=factory.SelfAttribute("..site"))
    received_at = ago(hours=3)
    completed_at = ago(hours=3)


class GoldenTemplateFactory(DjangoModelFactory):
    class Meta:
        model = GoldenTemplate

    station = factory.SubFactory(StationFactory)
    product = factory.SubFactory(
        ProductFactory, site=factory.SelfAttribute("..station.site")
    )
    file = factory.Sequence(lambda n: f"golden-{n}")
    media_type = "image/jpeg"
    sha256 = factory.LazyAttribute(
        lambda o: hashlib.sha256(o.file.encode()).hexdigest()
    )
    width = 640
    height = 480
    size = 48_000
    created_at = ago(days=2)


class OpticsFactory(DjangoModelFactory):
    class Meta:
        model = Optics

    station = factory.SubFactory(StationFactory)
    width = 640
    height = 480
    camera = [600.0, 598.0, 322.0, 241.0]
    distortion = [-0.25, 0.08, 0.001, -0.0005, 0.01]
    created_at = ago(days=2)


class ImageFactory(DjangoModelFactory):
    """`pixels` are written to the media root when given."""

    class Meta:
        model = Image

    class Params:
        pixels = b""

    station = factory.SubFactory(StationFactory)
    site = factory.SelfAttribute("station.site")
    unit = factory.SubFactory(UnitFactory, site=factory.SelfAttribute("..site"))
    captured_at = ago(hours=2)
    received_at = ago(hours=2)
    file = factory.Sequence(lambda n: f"photo-{n}")
    media_type = "image/jpeg"
    sha256 = factory.LazyAttribute(
        lambda o: hashlib.sha256(o.file.encode()).hexdigest()
    )
    width = 640
    height = 480
    size = 40_000


class ModelVersionFactory(DjangoModelFactory):
    class Meta:
        model = ModelVersion
        django_get_or_create = ["model", "version"]

    model = "pcb-defects"
    version = "1"
    first_used_at = ago(days=30)


class InspectionFactory(DjangoModelFactory):
    class Meta:
        model = Inspection

    image = factory.SubFactory(ImageFactory)
    state = InspectionState.DONE
    model_version = factory.SubFactory(ModelVersionFactory)
    backend = "openvino"
    precision = "int8"
    attempt = 1
    timings_ms = {"read": 1.2, "preprocess": 3.4, "infer": 21.0, "postprocess": 0.8}
    defective = False
    created_at = ago(hours=2)
    finished_at = ago(hours=2)


class DefectFactory(DjangoModelFactory):
    class Meta:
        model = Defect

    inspection = factory.SubFactory(InspectionFactory, defective=True)
    defect_class = factory.SubFactory(DefectClassFactory)
    score = 0.91
    x = 64
    y = 48
    width = 64
    height = 48
    relative_x = 0.1
    relative_y = 0.1
    relative_width = 0.1
    relative_height = 0.1


class AnalysisRunFactory(DjangoModelFactory):
    class Meta:
        model = AnalysisRun

    line = factory.SubFactory(LineFactory)
    window_start = ago(days=30)
    window_end = ago(minutes=1)
    units = 1200
    hypotheses = 4210
    code_version = "0.1.0"
    input_sha256 = "ab" * 32
    result_sha256 = "cd" * 32
    started_at = ago(minutes=2)
    finished_at = ago(minutes=1)


class ProblemFactory(DjangoModelFactory):
    class Meta:
        model = Problem

    run = factory.SubFactory(AnalysisRunFactory)
    defect_class = factory.SubFactory(DefectClassFactory)
    question = Problem.Question.EXCURSION
    defective_units = 96
    rate = 0.08
    onset = ago(days=9)
    last_defect_at = ago(hours=2)
    unexplained_share = 0.12


class CauseFactory(DjangoModelFactory):
    class Meta:
        model = Cause

    problem = factory.SubFactory(ProblemFactory)
    rank = 1
    kind = "equipment"
    operation = "ETCH"
    factor = "ETCH"
    level = "ETCH-2"
    statement = {
        "code": "equipment",
        "params": {"operation": "ETCH", "equipment": "ETCH-2"},
    }
    confidence = 0.93
    credible_set = 1
    relative_risk = 4.6
    relative_risk_low = 3.1
    relative_risk_high = 6.6
    exposed_units = 310
    exposed_rate = 0.21
    other_rate = 0.043
    attributable_defects = 44
    attributable_low = 31
    attributable_high = 57


class EvidenceFactory(DjangoModelFactory):
    class Meta:
        model = Evidence

    cause = factory.SubFactory(CauseFactory)
    chart = "levels"
    frame = factory.LazyFunction(lambda: levels_frame())


class AlertRuleFactory(DjangoModelFactory):
    class Meta:
        model = AlertRule

    site = factory.SubFactory(SiteFactory)
    kind = AlertKind.EXCURSION


class AlertFactory(DjangoModelFactory):
    class Meta:
        model = Alert

    line = factory.SubFactory(LineFactory)
    site = factory.SelfAttribute("line.site")
    rule = factory.SubFactory(AlertRuleFactory, site=factory.SelfAttribute("..site"))
    key = factory.Sequence(lambda n: f"key-{n}")
    defect_class = factory.SubFactory(DefectClassFactory)
    event_at = ago(hours=5)
    last_event_at = ago(hours=2)
    raised_at = ago(hours=4)


class JobFactory(DjangoModelFactory):
    class Meta:
        model = Job

    task = "analytics.analyse_line"
    queue = "analysis"
    state = JobState.SUCCEEDED
    attempts = 1
    progress = 100
    created_at = ago(minutes=9)
    not_before = ago(minutes=9)
    finished_at = ago(minutes=8)


def levels_frame():
    """An exhibit of three machines, as `analytics.core.exhibit` writes it."""
    return {
        "schema": 1,
        "chart": "levels",
        "columns": {
            "level": ["ETCH-1", "ETCH-2", "ETCH-3"],
            "n": [400, 310, 490],
            "defective": [16, 65, 15],
            "rate": [0.04, 0.21, 0.031],
            "low": [0.025, 0.168, 0.019],
            "high": [0.064, 0.258, 0.05],
            "highlighted": [0, 1, 0],
        },
        "marks": {"kind": "equipment", "factor": "ETCH", "level": "ETCH-2"},
        "daily": daily_columns(),
        "series": {},
    }


def daily_columns(days=30, onset=21):
    start = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    first = start - dt.timedelta(days=days - 1)
    at = [(first + dt.timedelta(days=day)).isoformat() for day in range(days)]
    rate = [0.04 + 0.012 * (day % 3) + 0.11 * (day >= onset) for day in range(days)]
    n = [40] * days
    return {
        "at": at,
        "n": n,
        "defective": [round(40 * value) for value in rate],
        "rate": rate,
        "low": [0.6 * value for value in rate],
        "high": [1.5 * value for value in rate],
        "exposed_n": [10] * days,
        "exposed_defective": [round(20 * value) for value in rate],
    }


def media_path(name):
    path = settings.MEDIA_ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def long_ago():
    return timezone.now() - dt.timedelta(days=40)

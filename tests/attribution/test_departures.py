"""An analysis tells of the parameters that are out of their limits."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from analytics.runs import analyse_line
from tests.attribution.conftest import START
from traceability.outbox.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def since_the_photos(settings):
    settings.ANALYSIS_WINDOW_DAYS = (timezone.now() - START).days + 1


@pytest.fixture
def readings(line, look, push):
    """Forty units through E1 with a limit of 60 °C; the last ones have `hot`."""
    limit = {"operation": "ETCH", "code": "temp", "upper_limit": 60.0}
    push("parameters", [limit | {"unit_of_measure": "°C"}])

    def make(hot):
        push("units", [{"serial": f"U{n}"} for n in range(40)])
        for n in range(40):
            at = (START + dt.timedelta(minutes=n)).isoformat()
            run = {"unit": f"U{n}", "operation": "ETCH", "equipment": "E1"}
            value = hot if n >= 28 else 50.0 + n % 3
            push(
                "operation-runs",
                [run | {"started_at": at, "ended_at": at, "readings": {"temp": value}}],
            )
            look(f"U{n}", minute=n)

    return make


def told():
    return list(Event.objects.filter(kind="parameter.outside"))


def test_a_parameter_out_of_its_limits_is_an_event(line, readings):
    readings(hot=63.0)
    run = analyse_line(line)
    (event,) = told()
    about = event.payload
    assert (about["run"], about["line"]) == (str(run.pk), line.pk)
    assert (about["parameter"], about["equipment"]) == ("temp", "E1")
    assert (about["outside"], about["readings"], about["value"]) == (12, 12, 63.0)
    assert about["since"] == "2026-03-01T08:28:00Z"
    analyse_line(line)
    assert len(told()) == 2


def test_one_within_them_is_not(line, readings):
    readings(hot=60.0)
    analyse_line(line)
    assert not told()

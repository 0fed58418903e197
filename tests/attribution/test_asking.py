"""When a photo asks for an analysis of its line, and when one waits already."""

from __future__ import annotations

import datetime as dt
from unittest.mock import Mock

import pytest
from django.utils import timezone

from traceability.attribution import consumers
from traceability.jobs import services as jobs
from traceability.jobs.models import Job, JobState
from traceability.outbox.services import dispatch

TASK = "analytics.analyse_line"


@pytest.fixture
def finish(line, look):
    """A photo is looked at, and its event handed over."""

    def finish_one(serial):
        look(serial)
        while dispatch():
            pass

    return finish_one


def waiting():
    return Job.objects.get(task=TASK, state=JobState.PENDING)


def test_while_an_analysis_waits_nothing_is_written(finish, monkeypatch):
    finish("U1")
    asked = Mock()
    monkeypatch.setattr(consumers, "request_analysis", asked)
    finish("U2")
    asked.assert_not_called()


def test_what_comes_after_an_analysis_began_asks_for_the_next(finish):
    finish("U1")
    first = waiting()
    Job.objects.filter(pk=first.pk).update(not_before=timezone.now())
    assert jobs.claim(first.pk, "w") is not None
    finish("U2")
    assert waiting().pk != first.pk


def test_an_analysis_that_would_wait_for_longer_is_brought_forward(finish):
    finish("U1")
    later = timezone.now() + dt.timedelta(hours=1)
    Job.objects.filter(task=TASK).update(not_before=later)
    finish("U2")
    assert waiting().not_before - timezone.now() <= dt.timedelta(seconds=30)

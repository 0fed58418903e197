"""Jobs come into being once, and a message follows the commit."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis

from traceability.jobs import services
from traceability.jobs.models import Job
from traceability.lib import broker

LATER = timedelta(minutes=5)


@pytest.mark.django_db(transaction=True)
def test_the_message_follows_the_commit(redis: Redis) -> None:
    with transaction.atomic():
        job = services.enqueue("task", {"n": 1}, queue="inspect")
        assert redis.llen("inspect") == 0
    message = json.loads(redis.lindex("inspect", -1))
    assert message["headers"]["task"] == "task"
    assert message["headers"]["published_at"] == job.published_at.isoformat()


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_job_leaves_no_message(redis: Redis) -> None:
    with transaction.atomic():
        services.enqueue("task", queue="inspect")
        transaction.set_rollback(True)
    assert redis.llen("inspect") == 0
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_later_job_is_published_by_the_sweep(redis: Redis) -> None:
    job = services.enqueue("t", queue="inspect", not_before=timezone.now() + LATER)
    assert services.sweep()["published"] == 0
    Job.objects.update(not_before=timezone.now())
    assert services.sweep()["published"] == 1
    assert services.sweep()["published"] == 0
    job.refresh_from_db()
    assert job.published_at is not None


@pytest.mark.django_db(transaction=True)
def test_one_pending_job_a_key(redis: Redis) -> None:
    first = services.enqueue("t", {"n": 1}, queue="analysis", dedup_key="line:1")
    second = services.enqueue("t", {"n": 2}, queue="analysis", dedup_key="line:1")
    assert (second.id, second.arguments) == (first.id, {"n": 1})
    assert redis.llen("analysis") == 1
    assert services.claim(first.id, "w1") is not None
    third = services.enqueue("t", queue="analysis", dedup_key="line:1")
    assert third.id != first.id


@pytest.mark.django_db(transaction=True)
def test_an_earlier_wish_brings_the_pending_job_forward(redis: Redis) -> None:
    now = timezone.now()
    for not_before in (now + LATER, now + 2 * LATER, now):
        services.enqueue("t", queue="analysis", dedup_key="k", not_before=not_before)
    job = Job.objects.get()
    assert job.not_before == now
    assert redis.llen("analysis") == 1


@pytest.mark.django_db(transaction=True)
def test_a_joined_job_is_not_claimed_before_the_commit(redis: Redis) -> None:
    job = services.enqueue("t", queue="analysis", dedup_key="k")
    claimed_at: list[float] = []

    def work() -> None:
        assert services.claim(job.id, "w1") is not None
        claimed_at.append(time.monotonic())
        connection.close()

    with transaction.atomic():
        services.enqueue("t", queue="analysis", dedup_key="k")
        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.3)
        committed = time.monotonic()
    thread.join()
    assert claimed_at[0] >= committed


@pytest.mark.django_db(transaction=True)
def test_enqueueing_one_key_from_many_threads_makes_one_job(redis: Redis) -> None:
    found = []

    def ask() -> None:
        found.append(services.enqueue("t", queue="analysis", dedup_key="k").id)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert Job.objects.count() == len(set(found)) == 1


@pytest.fixture
def dead_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens where the broker should be."""
    monkeypatch.setattr(
        broker, "url", lambda: f"redis+socket:///tmp/none-{os.getpid()}"
    )
    broker._producers.cache_clear()
    yield
    broker._producers.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_costs_milliseconds_and_loses_nothing(dead_broker: None) -> None:
    started = time.monotonic()
    jobs = [services.enqueue("t", queue="inspect") for _ in range(10)]
    assert time.monotonic() - started < 1
    assert Job.objects.filter(published_at=None).count() == len(jobs)

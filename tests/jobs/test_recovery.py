"""Nothing stays stuck: dead workers, lost messages, poison."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from redis import Redis

from traceability.jobs import services
from traceability.jobs.models import Job
from traceability.jobs.slots import take_slot
from traceability.outbox.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
Age = Callable[..., None]


@pytest.fixture
def queued(redis: Redis) -> Job:
    return services.enqueue("task", queue="inspect")


def run_out(job: Job, age: Age) -> None:
    """The job's worker takes it and dies."""
    assert services.claim(job.id, "dead") is not None
    age(job, leased_until=1)


def test_an_expired_lease_is_released_and_published(
    queued: Job, redis: Redis, age: Age
) -> None:
    redis.flushall()
    run_out(queued, age)
    assert services.sweep() == {"released": 1, "quarantined": 0, "published": 1}
    assert redis.llen("inspect") == 1
    assert services.claim(queued.id, "w2").attempts == 2


def test_a_live_lease_is_left_alone(queued: Job) -> None:
    services.claim(queued.id, "w1")
    assert services.sweep() == {"released": 0, "quarantined": 0, "published": 0}


def test_of_a_key_that_waits_again_by_now_the_dead_one_ends(
    queued: Job, age: Age
) -> None:
    dead = services.enqueue("analyse", queue="analysis", dedup_key="line:1")
    run_out(dead, age)
    run_out(queued, age)
    newer = services.enqueue("analyse", queue="analysis", dedup_key="line:1")
    assert services.sweep()["released"] == 1, "others are not held up"
    dead.refresh_from_db()
    assert (dead.state, dead.error_code) == ("failed", "superseded")
    assert services.claim(newer.id, "w2").attempts == 1
    assert services.claim(queued.id, "w2").attempts == 2


def test_of_a_key_that_nobody_else_waits_for_the_dead_one_waits(age: Age) -> None:
    dead = services.enqueue("analyse", queue="analysis", dedup_key="line:1")
    run_out(dead, age)
    assert services.sweep()["released"] == 1
    assert services.claim(dead.id, "w2").attempts == 2


def test_what_killed_three_workers_is_quarantined_and_told(
    queued: Job, age: Age
) -> None:
    for _ in range(3):
        run_out(queued, age)
        counts = services.sweep()
    assert counts["quarantined"] == 1
    queued.refresh_from_db()
    assert (queued.state, queued.error_code) == ("quarantined", "worker_lost")
    event = Event.objects.get(kind="job.quarantined")
    assert event.payload["job"] == str(queued.id)


def test_a_message_lost_with_the_broker_is_sent_again(
    queued: Job, redis: Redis, age: Age
) -> None:
    redis.flushall()
    assert services.sweep()["published"] == 0  # it may be in a worker's hand
    age(queued, published_at=4)
    assert services.sweep()["published"] == 1
    assert redis.llen("inspect") == 1


def test_a_backlog_is_not_sent_again(queued: Job, redis: Redis) -> None:
    for _ in range(20):
        services.enqueue("task", queue="inspect")
    old = redis.lrange("inspect", 0, -1)
    assert services.sweep()["published"] == 0
    assert redis.lrange("inspect", 0, -1) == old


def test_what_is_older_than_the_oldest_message_was_lost(
    queued: Job, redis: Redis, age: Age
) -> None:
    redis.flushall()
    age(queued, published_at=10)
    services.enqueue("task", queue="inspect")
    assert services.sweep()["published"] == 1


def test_a_busy_worker_may_keep_messages_in_hand_for_longer(
    queued: Job, redis: Redis, age: Age
) -> None:
    busy = services.enqueue("task", queue="inspect")
    services.claim(busy.id, "w1")
    age(busy, started_at=10)
    redis.flushall()
    age(queued, published_at=30)
    assert services.sweep()["published"] == 0
    age(queued, published_at=90)
    assert services.sweep()["published"] == 1


def test_a_new_process_in_the_slot_puts_back_what_the_old_one_held(
    queued: Job,
) -> None:
    dead = take_slot("inspect")
    services.claim(queued.id, dead.worker)
    dead.file.close()  # as the kernel does when the process ends
    mine = take_slot("inspect")
    assert (mine.released, mine.worker != dead.worker) == (1, True)
    assert services.claim(queued.id, mine.worker) is not None
    mine.file.close()


def test_a_living_neighbour_keeps_its_jobs(queued: Job) -> None:
    neighbour = take_slot("inspect")
    services.claim(queued.id, neighbour.worker)
    mine = take_slot("inspect")
    assert mine.released == 0
    assert mine.worker.split("#")[0] != neighbour.worker.split("#")[0]
    neighbour.file.close()
    mine.file.close()


def test_an_idle_sweep_is_cheap(redis: Redis) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        services.sweep()
    assert len(queries) <= 5

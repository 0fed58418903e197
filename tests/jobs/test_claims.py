"""Who may work on a job, and who may end it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from traceability.jobs import claims, services
from traceability.jobs.models import Job, JobState

Age = Callable[..., None]


def claimed(job: Job, worker: str = "w1") -> Job:
    taken = services.claim(job.id, worker)
    assert taken is not None
    return taken


def test_a_claim_counts_the_attempt_and_leases_the_job(job: Job) -> None:
    taken = claimed(job)
    assert (taken.state, taken.attempts, taken.leased_by) == ("running", 1, "w1")
    lease = taken.leased_until - timezone.now()
    assert timedelta(seconds=14) < lease <= timedelta(seconds=15)


def test_only_the_first_claim_wins(job: Job) -> None:
    claimed(job)
    assert services.claim(job.id, "w2") is None
    assert services.claim(job.id, "w1") is None


def test_a_job_that_is_not_due_cannot_be_claimed(db: None) -> None:
    later = timezone.now() + timedelta(minutes=1)
    job = services.enqueue("task", queue="inspect", not_before=later)
    assert services.claim(job.id, "w1") is None


def test_a_blameless_death_is_no_attempt(job: Job) -> None:
    for _ in range(5):
        (taken,) = services.claim_all([job.id], "w1#1", blameless=True)
        assert taken.attempts == 1
        assert services.heartbeat([job.id], "w1#1") == 1
        services.release("w1#")
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("pending", 0)
    (taken,) = services.claim_all([job.id], "w1#1", blameless=True)
    assert services.succeed([taken]) == {job.id}


def test_what_was_attempted_can_be_left_out(job: Job, age: Age) -> None:
    other = services.enqueue("task", queue="inspect")
    services.fail(claimed(job), "oops", "")
    age(job, not_before=1)
    taken = services.claim_all([job.id, other.id], "w1", tried_below=1)
    assert [one.id for one in taken] == [other.id]
    assert services.claim(job.id, "w1") is not None


def test_succeed_ends_only_what_is_still_held(job: Job, age: Age) -> None:
    slow = claimed(job, "w1")
    age(job, leased_until=1)
    services.sweep()
    quick = claimed(job, "w2")
    assert services.succeed([slow]) == set()
    assert services.succeed([quick]) == {job.id}
    assert services.succeed([quick]) == set()
    job.refresh_from_db()
    assert (job.state, job.progress) == ("succeeded", 100)


def test_of_several_only_those_that_are_still_held_are_ended(
    job: Job, age: Age
) -> None:
    other = services.enqueue("task", queue="inspect")
    both = services.claim_all([job.id, other.id], "w1")
    age(job, leased_until=1)
    services.sweep()
    claimed(job, "w2")
    assert services.succeed(both) == {other.id}
    states = {one.id: one.state for one in Job.objects.all()}
    assert states == {job.id: "running", other.id: "succeeded"}


def test_of_several_only_those_that_nobody_takes_meanwhile_are_claimed(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, take = services.enqueue("task", queue="inspect"), claims._take

    def late(jobs: list[Job], leased_by: str) -> list[Job]:
        monkeypatch.setattr(claims, "_take", take)
        claimed(job, "w2")
        return take(jobs, leased_by)

    monkeypatch.setattr(claims, "_take", late)
    (taken,) = services.claim_all([job.id, other.id], "w1")
    assert (taken.id, taken.leased_by, taken.attempts) == (other.id, "w1", 1)
    job.refresh_from_db()
    assert job.leased_by == "w2"


def test_an_old_claim_of_the_same_worker_does_not_count(job: Job, age: Age) -> None:
    asleep = claimed(job)
    age(job, leased_until=1)
    services.sweep()
    awake = claimed(job)
    assert services.fail(asleep, "late", "") == JobState.PENDING
    assert services.succeed([asleep]) == set()
    assert services.succeed([awake]) == {job.id}


def test_fail_gives_back_with_a_growing_pause_then_quarantines(
    job: Job, age: Age
) -> None:
    pauses = []
    for _ in range(settings.JOB_MAX_ATTEMPTS - 1):
        assert services.fail(claimed(job), "bad", "no luck") == JobState.PENDING
        job.refresh_from_db()
        pauses.append((job.not_before - timezone.now()).total_seconds())
        age(job, not_before=1)
    assert services.fail(claimed(job), "bad", "no luck") == JobState.QUARANTINED
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attempts) == ("quarantined", "bad", 3)
    assert pauses == [pytest.approx(2, abs=0.5), pytest.approx(4, abs=0.5)]


def test_what_failed_does_not_wait_beside_another_of_its_key(db: None) -> None:
    first = services.enqueue("analyse", queue="analysis", dedup_key="line:1")
    taken = claimed(first)
    newer = services.enqueue("analyse", queue="analysis", dedup_key="line:1")
    services.fail(taken, "analysis_failed", "broken")
    first.refresh_from_db()
    newer.refresh_from_db()
    assert (first.state, first.error_code) == ("failed", "superseded")
    assert newer.state == "pending"


def test_a_final_failure_is_not_tried_again(job: Job) -> None:
    state = services.fail(claimed(job), "image_unreadable", "x" * 900, final=True)
    assert state == JobState.FAILED
    job.refresh_from_db()
    assert len(job.message) == 500


def test_losing_the_lease_turns_failure_into_nobodys_business(
    job: Job, age: Age
) -> None:
    lost = claimed(job, "w1")
    age(job, leased_until=1)
    services.sweep()
    claimed(job, "w2")
    assert services.fail(lost, "bad", "", final=True) == JobState.PENDING
    job.refresh_from_db()
    assert (job.state, job.leased_by) == ("running", "w2")


def test_heartbeat_prolongs_what_is_held(job: Job, age: Age) -> None:
    taken = claimed(job)
    age(job, leased_until=-1)
    assert services.heartbeat([job.id], "w2") == 0
    assert services.heartbeat([job.id], taken.leased_by) == 1
    job.refresh_from_db()
    assert job.leased_until - timezone.now() > timedelta(seconds=14)


@pytest.mark.django_db(transaction=True)
def test_many_workers_share_jobs_without_overlap(redis_server: str) -> None:
    jobs = [services.enqueue("task", queue="inspect").id for _ in range(40)]
    taken: list[str] = []

    def work(name: str) -> None:
        for start in range(0, 40, 5):
            ids = jobs[start : start + 5]
            taken.extend(str(job.id) for job in services.claim_all(ids, name))
        connection.close()

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(map(str, jobs))

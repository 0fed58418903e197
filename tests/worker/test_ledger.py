"""What is written and counted of attempts that came to nothing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError

from inference_worker import ledger
from inference_worker.gatherer import Gatherer
from inference_worker.ledger import Delay, Failure, Outcome
from inference_worker.measures import INSPECTIONS, Ended
from tests.factory import jpeg
from traceability.jobs import services
from traceability.jobs.models import Job, JobState


@pytest.fixture
def writer() -> Iterator[Gatherer[Outcome, Ended]]:
    made = ledger.writer()
    yield made
    made.close()


def counted() -> Counter[str]:
    """Attempts by what came of them, whatever looked."""
    found: Counter[str] = Counter()
    for sample in next(iter(INSPECTIONS.collect())).samples:
        if sample.name.endswith("_total"):
            found[sample.labels["outcome"]] += int(sample.value)
    return found


@pytest.mark.parametrize("delayed", [False, True])
def test_an_outage_among_errors_that_wait_counts_none_twice(
    transactional_db: None,
    redis_server: str,
    writer: Gatherer[Outcome, Ended],
    photo: Callable[[bytes], Job],
    monkeypatch: pytest.MonkeyPatch,
    delayed: bool,
) -> None:
    jobs = [services.claim(photo(jpeg()).id, "w") for _ in range(4)]
    busy, waiting, asked = threading.Event(), threading.Event(), list[Job]()
    name = "put_off" if delayed else "record_failure"
    write = getattr(ledger, name)

    def away_at_the_third(job: Job, *args: object, **options: object) -> object:
        asked.append(job)
        busy.set()
        waiting.wait(5)
        if len(asked) == 3:
            raise OperationalError("the database went away")
        return write(job, *args, **options)

    def outcome(job: Job | None) -> Outcome:
        assert job is not None
        what = Delay(job, "busy", "", 1) if delayed else Failure(job, "bad", "", True)
        return Outcome(what, time.monotonic())

    monkeypatch.setattr(ledger, name, away_at_the_third)
    monkeypatch.setattr(ledger, "PAUSE_SECONDS", 0.01)
    before = counted()
    futures = [writer.submit(outcome(jobs[0]))]
    assert busy.wait(5)  # the others wait together behind the first
    futures += [writer.submit(outcome(job)) for job in jobs[1:]]
    waiting.set()
    wanted = Ended.DELAYED if delayed else Ended.FAILED
    assert [future.result(10) for future in futures] == [wanted] * 4
    assert counted() - before == Counter({wanted: 4})
    state = JobState.PENDING if delayed else JobState.FAILED
    assert set(Job.objects.values_list("state", flat=True)) == {state}

"""An inspection's way through the worker, on a real database and a real network."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from inference_worker import ledger
from inference_worker.desk import Desk, about
from inference_worker.engine.api import Detector
from inference_worker.engine.decode import decode
from inference_worker.engine.errors import InferenceFailed
from inference_worker.engine.types import Detections
from inference_worker.gatherer import Priority
from tests.factory import jpeg
from traceability.inspection.models import Defect, Inspection
from traceability.inspection.recording import record
from traceability.jobs import services
from traceability.jobs.models import Job
from traceability.outbox.models import Event

RED = jpeg((0, 64, 96))
Photo = Callable[[bytes], Job]


def inspection_of(job: Job) -> Inspection:
    return Inspection.objects.get(pk=job.arguments["inspection"])


def states(job: Job) -> tuple[str, str, str]:
    job.refresh_from_db()
    found = inspection_of(job)
    return job.state, found.state, found.error_code


def test_finds_defects_and_writes_them_once(desk: Desk, photo: Photo) -> None:
    job = photo(RED)
    desk.inspect(job.id)
    desk.inspect(job.id)  # a message that came twice
    assert states(job) == ("succeeded", "done", "")
    defect = Defect.objects.get()
    assert (defect.defect_class.code, defect.x, defect.y) == ("red", 64, 96)
    assert Event.objects.filter(kind="inspection.finished").count() == 1
    timings = inspection_of(job).timings_ms
    assert set(timings) == {"queue", "decode", "wait", "infer", "write"}
    assert all(value >= 0 for value in timings.values())


def test_many_at_once_each_get_their_own(desk: Desk, photo: Photo) -> None:
    places = [(n % 3, 32 * n, 64) for n in range(12)]
    jobs = [photo(jpeg(place)) for place in places]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda job: desk.inspect(job.id), jobs))
    for job, (class_id, left, top) in zip(jobs, places, strict=True):
        (defect,) = inspection_of(job).defects.all()
        name = ("red", "green", "blue")[class_id]
        assert (defect.defect_class.code, defect.x, defect.y) == (name, left, top)


def test_an_unreadable_image_fails_without_another_try(
    desk: Desk, photo: Photo
) -> None:
    for data in (b"no image", RED[: len(RED) // 2]):
        job = photo(data)
        desk.inspect(job.id)
        assert states(job) == ("failed", "failed", "image_unreadable")


def test_a_bomb_is_refused_by_its_header(desk: Desk, photo: Photo) -> None:
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x006\xb0\0\x006\xb0\x08\x02\0\0\0"
    job = photo(header + b"\0" * 40)
    desk.inspect(job.id)
    assert states(job)[0] == "failed"


def test_a_missing_file_waits_for_another_try(
    desk: Desk, photo: Photo, media: object
) -> None:
    job = photo(RED)
    (desk.media / inspection_of(job).image.file).unlink()
    desk.inspect(job.id)
    assert states(job) == ("pending", "pending", "")
    assert job.not_before > timezone.now()


def test_what_nothing_can_look_at_waits_and_costs_no_attempt(
    desk: Desk, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> list[Detections]:
        raise InferenceFailed("the device is gone")

    job = photo(RED)
    with monkeypatch.context() as patch:
        patch.setattr(Detector, "infer", fail)
        desk.inspect(job.id)
    assert states(job) == ("pending", "pending", "")
    assert (job.error_code, job.attempts) == ("no_rung", 0)
    assert job.not_before > timezone.now()


def test_an_image_that_no_backend_stands_is_tried_again_then_set_aside(
    desk: Desk, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Detector.infer

    def fail(self: Detector, images: Any, *more: Any, **options: Any) -> Any:
        if images[0].sum() == picture.sum():
            raise InferenceFailed("NaN")
        return look(self, images, *more, **options)

    job = photo(RED)
    picture = decode(RED)
    monkeypatch.setattr(Detector, "infer", fail)
    desk.inspect(job.id)
    assert states(job) == ("pending", "pending", "")
    assert (job.error_code, job.attempts) == ("inference_failed", 1)
    other = photo(jpeg((1, 96, 96)))
    desk.inspect(other.id)
    assert states(other) == ("succeeded", "done", "")


def test_a_result_after_the_lease_was_lost_is_not_written(
    desk: Desk, photo: Photo
) -> None:
    job = photo(RED)
    taken = desk.claims.submit(ledger.Ticket(job.id, ledger.Care.TOGETHER)).result()
    assert isinstance(taken, ledger.Taken)
    Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    services.sweep()
    desk._work(taken, ledger.Care.TOGETHER)
    assert states(job) == ("pending", "pending", "")
    desk.inspect(job.id)
    assert states(job) == ("succeeded", "done", "")
    assert Defect.objects.count() == 1


def test_the_lease_is_kept_while_the_work_takes_long(
    desk: Desk, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = photo(RED)
    slow = threading.Event()
    look = Detector.infer

    def wait(*args: object) -> list[Detections]:
        slow.wait(5)
        return look(*args)

    monkeypatch.setattr(Detector, "infer", wait)
    thread = threading.Thread(target=desk.inspect, args=[job.id])
    thread.start()
    while not len(desk.leases):
        time.sleep(0.01)
    soon = timezone.now() + timedelta(seconds=1)
    Job.objects.update(leased_until=soon)
    time.sleep(0.4)
    job.refresh_from_db()
    assert job.leased_until > soon
    assert desk.leases.oldest_seconds() > 0.3
    slow.set()
    thread.join()
    assert states(job)[0] == "succeeded"


def survivor(job: Job, deaths: int) -> Job:
    """The job after so many workers have died with it in hand."""
    for _ in range(deaths):
        assert services.claim(job.id, "dead#1") is not None
        services.release("dead#")
    return job


def test_what_was_tried_before_is_claimed_alone(desk: Desk, photo: Photo) -> None:
    job = survivor(photo(RED), deaths=1)
    refused = desk.claims.submit(ledger.Ticket(job.id, ledger.Care.TOGETHER)).result()
    assert refused is ledger.Refused.TRIED_BEFORE
    desk.inspect(job.id)
    assert states(job) == ("succeeded", "done", "")
    assert inspection_of(job).attempt == 2


def test_the_last_try_is_made_in_a_process_of_its_own(
    desk: Desk, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = survivor(photo(RED), deaths=2)
    monkeypatch.setattr(desk.batcher, "submit", None)
    desk.inspect(job.id)
    assert states(job) == ("succeeded", "done", "")
    (defect,) = inspection_of(job).defects.all()
    assert (defect.defect_class.code, defect.x, defect.y) == ("red", 64, 96)


def test_what_kills_that_process_too_is_quarantined(
    desk: Desk, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = survivor(photo(RED), deaths=2)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    desk.inspect(job.id)
    assert states(job) == ("quarantined", "failed", "worker_lost")


def test_an_unreadable_image_is_called_that_there_too(desk: Desk, photo: Photo) -> None:
    job = survivor(photo(RED[:3000]), deaths=2)
    desk.inspect(job.id)
    assert states(job) == ("failed", "failed", "image_unreadable")


def test_a_short_outage_of_the_database_costs_nothing(
    desk: Desk, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = photo(RED)
    calls = []

    def shaky(results: object) -> int:
        calls.append(results)
        if len(calls) < 3:
            raise OperationalError("gone")
        return record(results)

    monkeypatch.setattr(ledger, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(ledger, "record", shaky)
    desk.inspect(job.id)
    assert states(job) == ("succeeded", "done", "")
    assert len(calls) == 3


def test_a_deleted_inspection_ends_its_job(desk: Desk, photo: Photo) -> None:
    job = photo(RED)
    inspection_of(job).delete()
    desk.inspect(job.id)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "inspection_gone")


def test_a_result_that_the_database_refuses_is_final(
    desk: Desk, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here for a column that may not be empty; the reason is the database's own."""
    bad, good = photo(RED), photo(RED)
    with monkeypatch.context() as patch:
        nameless = lambda one: replace(about(one), backend=None)  # noqa: E731
        patch.setattr("inference_worker.desk.about", nameless)
        desk.inspect(bad.id)
    assert states(bad) == ("failed", "failed", "result_refused")
    desk.inspect(good.id)
    assert states(good) == ("succeeded", "done", "")


def test_a_rerun_waits_behind_live_photos(
    desk: Desk, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Priority] = []
    submit = desk.batcher.submit

    def note(*args: Any, **options: Any) -> Any:
        seen.append(options["priority"])
        return submit(*args, **options)

    monkeypatch.setattr(desk.batcher, "submit", note)
    for role in ("live", "rerun", "shadow"):
        job = photo(RED)
        Inspection.objects.filter(pk=job.arguments["inspection"]).update(role=role)
        desk.inspect(job.id)
        assert states(job) == ("succeeded", "done", "")
    assert seen == [Priority.FIRST, Priority.LATER, Priority.LATER]


def test_a_detector_that_is_too_busy_costs_no_attempt(
    desk: Desk, photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_worker.desk.DEADLINE_SECONDS", -1.0)
    job = photo(RED)
    desk.inspect(job.id)
    assert states(job) == ("pending", "pending", "")
    assert (job.error_code, job.attempts) == ("inference_timeout", 0)


def test_what_really_looked_is_recorded(desk: Desk, photo: Photo) -> None:
    for deaths in (0, 2):  # in the batcher, and in a process of its own
        job = survivor(photo(RED), deaths)
        desk.inspect(job.id)
        found = inspection_of(job)
        assert (found.backend, found.precision) == ("openvino", "f32")
        assert str(found.model_version) == "toy 1"

"""Everything this process writes into the database, many rows at a time."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from inference_worker.gatherer import Gatherer
from inference_worker.measures import Ended, count_error, count_results
from traceability.inspection.models import Inspection
from traceability.inspection.recording import record, record_failure
from traceability.inspection.results import InspectionResult
from traceability.jobs.models import Job, JobState
from traceability.jobs.services import claim_all, put_off

logger = logging.getLogger(__name__)

R = TypeVar("R")
MOST = 32
# An outage of the database shorter than this costs no inspection its result.
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.5


class Care(IntEnum):
    """How carefully a job is handled: one step more for each attempt before."""

    TOGETHER = 1
    ALONE = 2  # nothing else is in flight here, so only it is blamed
    APART = 3  # in a process of its own, so that ours cannot die of it


class Refused(Enum):
    """Why a job was not claimed."""

    NOT_OURS = "somebody else has it, or nobody needs it any more"
    TRIED_BEFORE = "it was attempted before and needs more care"


@dataclass(frozen=True)
class Ticket:
    """A job to claim, if this care is enough for it."""

    job_id: UUID
    care: Care


@dataclass(frozen=True)
class Taken:
    """A claimed job and what it is about; None when that was deleted."""

    job: Job
    inspection: Inspection | None

    @property
    def trace_id(self) -> str:
        return self.inspection.trace_id if self.inspection else ""


@dataclass(frozen=True)
class Failure:
    """An inspection that did not work out; `final` says not to try again."""

    job: Job
    code: str
    message: str
    final: bool


@dataclass(frozen=True)
class Delay:
    """Nothing was wrong with the inspection: it waits and costs no attempt."""

    job: Job
    code: str
    message: str
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What to write, and when it was ready (`time.monotonic`)."""

    what: InspectionResult | Failure | Delay
    ready: float


def claims(worker: str) -> Gatherer[Ticket, Taken | Refused]:
    """The thread that claims, all that wait at once."""

    def work(tickets: list[Ticket]) -> list[Taken | Refused]:
        return _patiently(lambda: _claim(tickets, worker))

    return Gatherer("claims", work, most=MOST)


def writer() -> Gatherer[Outcome, Ended]:
    """The thread that writes results, in one transaction for all that wait, and errors
    one by one.
    """

    def work(outcomes: list[Outcome]) -> Sequence[Ended]:
        return _patiently(lambda: _write(outcomes))

    return Gatherer("writer", work, most=MOST, kind=_company)


def _company(outcome: Outcome) -> Hashable:
    """Who is written together. An error has a transaction of its own: beside others it
    would be written and counted again when the database goes away after it.
    """
    return "result" if isinstance(outcome.what, InspectionResult) else id(outcome)


def told(what: InspectionResult | Failure | Delay, ended: Ended) -> str:
    """For the log line of one attempt, to be read by people and programs."""
    about: dict[str, object] = {
        "inspection": what.job.arguments["inspection"],
        "outcome": ended,
        "attempt": what.job.attempts,
    }
    if isinstance(what, InspectionResult):
        about |= {"defects": len(what.boxes), "backend": what.detector.backend}
        about["timings_ms"] = what.timings_ms
    else:
        about |= {"code": what.code, "message": what.message}
    return json.dumps(about, ensure_ascii=False)


def _claim(tickets: list[Ticket], worker: str) -> list[Taken | Refused]:
    taken: dict[UUID, Job] = {}
    for care in sorted({ticket.care for ticket in tickets}):
        ids = [ticket.job_id for ticket in tickets if ticket.care == care]
        taken |= {job.id: job for job in _claim_with(care, ids, worker)}
    about = Inspection.objects.select_related("image__station", "image__optics")
    subjects = about.in_bulk([_subject(job) for job in taken.values()])
    tried = _tried_before(
        [ticket.job_id for ticket in tickets if ticket.job_id not in taken]
    )
    answers: list[Taken | Refused] = []
    for ticket in tickets:
        job = taken.pop(ticket.job_id, None)
        if job is not None:
            answers.append(Taken(job, subjects.get(_subject(job))))
        elif ticket.job_id in tried:
            answers.append(Refused.TRIED_BEFORE)
        else:
            answers.append(Refused.NOT_OURS)
    return answers


def _claim_with(care: Care, ids: list[UUID], worker: str) -> list[Job]:
    if care is Care.APART:
        return claim_all(ids, worker, blameless=True)
    return claim_all(ids, worker, tried_below=care)


def _subject(job: Job) -> UUID:
    return UUID(job.arguments["inspection"])


def _tried_before(job_ids: list[UUID]) -> set[UUID]:
    if not job_ids:
        return set()
    pending = Job.objects.filter(id__in=job_ids, state=JobState.PENDING)
    return set(pending.filter(attempts__gt=0).values_list("id", flat=True))


def _write(outcomes: list[Outcome]) -> list[Ended]:
    """What came of each: of results, or of one error."""
    now, results = time.monotonic(), list[InspectionResult]()
    for outcome in outcomes:
        what = outcome.what
        if not isinstance(what, InspectionResult):
            return [_write_error(what)]
        what.timings_ms["write"] = round((now - outcome.ready) * 1000, 2)
        results.append(what)
    return _write_results(results)


def _write_results(results: list[InspectionResult]) -> list[Ended]:
    begun = time.monotonic()
    written = record(results)
    took = time.monotonic() - begun
    ended = [_ended(result, written) for result in results]
    count_results(zip(results, ended, strict=True), took)
    return ended


def _ended(result: InspectionResult, written: set[UUID]) -> Ended:
    if result.job.id not in written:
        return Ended.OVERTAKEN
    return Ended.DEFECTIVE if result.boxes else Ended.CLEAN


def _write_error(what: Failure | Delay) -> Ended:
    if isinstance(what, Delay):
        put_off(what.job, what.code, what.message, what.seconds)
        ended = Ended.DELAYED
    else:
        state = record_failure(what.job, what.code, what.message, final=what.final)
        ended = Ended.RETRIED if state == JobState.PENDING else Ended.FAILED
    count_error(ended, what.code)
    return ended


def _patiently(work: Callable[[], R]) -> R:
    """Do it, and again for a while when the database cannot be reached."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            if time.monotonic() > give_up:
                raise
            logger.warning("the database is away, trying again: %s", error)
            time.sleep(PAUSE_SECONDS)

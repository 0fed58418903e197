"""Everything this process writes into the database, many rows at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from inference_worker.gatherer import Gatherer
from traceability.inspection.models import Inspection
from traceability.inspection.recording import record, record_failure
from traceability.inspection.results import InspectionResult
from traceability.jobs.models import Job, JobState
from traceability.jobs.services import claim_all

logger = logging.getLogger(__name__)

R = TypeVar("R")
MOST = 32
# An outage of the database shorter than this costs no inspection its result.
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.5


class Refused(Enum):
    """Why a job was not claimed."""

    NOT_OURS = "somebody else has it, or nobody needs it any more"
    TRIED_BEFORE = "it was attempted before and must be claimed alone"


@dataclass(frozen=True)
class Ticket:
    """A job to claim; `alone` says that nothing else is in flight here."""

    job_id: UUID
    alone: bool = False


@dataclass(frozen=True)
class Taken:
    """A claimed job and what it is about; None when that was deleted."""

    job: Job
    inspection: Inspection | None


@dataclass(frozen=True)
class Failure:
    """An inspection that did not work out; `final` says not to try again."""

    job: Job
    code: str
    message: str
    final: bool


@dataclass(frozen=True)
class Outcome:
    """What to write, and when it was ready (`time.monotonic`)."""

    what: InspectionResult | Failure
    ready: float


def claims(worker: str) -> Gatherer[Ticket, Taken | Refused]:
    """The thread that claims, in one transaction for all that wait."""

    def work(tickets: list[Ticket]) -> list[Taken | Refused]:
        return _patiently(lambda: _claim(tickets, worker))

    return Gatherer("claims", work, most=MOST)


def writer() -> Gatherer[Outcome, None]:
    """The thread that writes results, in one transaction for all that wait."""

    def work(outcomes: list[Outcome]) -> Sequence[None]:
        _patiently(lambda: _write(outcomes))
        return [None] * len(outcomes)

    return Gatherer(
        "writer", work, most=MOST, kind=lambda one: isinstance(one.what, Failure)
    )


def _claim(tickets: list[Ticket], worker: str) -> list[Taken | Refused]:
    alone = [ticket.job_id for ticket in tickets if ticket.alone]
    others = [ticket.job_id for ticket in tickets if not ticket.alone]
    jobs = claim_all(others, worker, untried=True) if others else []
    jobs += claim_all(alone, worker) if alone else []
    taken = {job.id: job for job in jobs}
    subjects = Inspection.objects.select_related("image").in_bulk(
        [UUID(job.arguments["inspection"]) for job in jobs]
    )
    tried = _tried_before([id_ for id_ in others if id_ not in taken])
    answers: list[Taken | Refused] = []
    for ticket in tickets:
        job = taken.pop(ticket.job_id, None)
        if job is not None:
            subject = subjects.get(UUID(job.arguments["inspection"]))
            answers.append(Taken(job, subject))
        elif ticket.job_id in tried:
            answers.append(Refused.TRIED_BEFORE)
        else:
            answers.append(Refused.NOT_OURS)
    return answers


def _tried_before(job_ids: list[UUID]) -> set[UUID]:
    if not job_ids:
        return set()
    pending = Job.objects.filter(id__in=job_ids, state=JobState.PENDING)
    return set(pending.filter(attempts__gt=0).values_list("id", flat=True))


def _write(outcomes: list[Outcome]) -> None:
    now = time.monotonic()
    results = []
    for outcome in outcomes:
        if isinstance(outcome.what, Failure):
            failure = outcome.what
            record_failure(
                failure.job, failure.code, failure.message, final=failure.final
            )
        else:
            waited = round((now - outcome.ready) * 1000, 2)
            outcome.what.timings_ms["write"] = waited
            results.append(outcome.what)
    if results:
        record(results)


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

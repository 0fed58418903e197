"""What is worded before a transaction does what the ORM would have done in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Subquery

from traceability.catalog.models import Line, Site
from traceability.jobs import services as jobs
from traceability.jobs.models import Job
from traceability.lib import statements
from traceability.lib.statements import insertion, run_all, update
from traceability.outbox.models import Event

NOW = datetime(2026, 3, 11, 8, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


def job(**values: Any) -> Job:
    about = {"task": "t", "queue": "q", "not_before": NOW, "created_at": NOW}
    return Job(**{**about, **values})


def test_a_row_is_written_as_the_orm_writes_it() -> None:
    ours, its = (
        job(arguments={"a": "ä"}, leased_until=NOW),
        job(arguments={"a": "ä"}, leased_until=NOW),
    )
    its.save(force_insert=True)
    run_all(insertion([ours]))
    found = {one["id"]: one for one in Job.objects.values()}
    mine, other = found[ours.pk], found[its.pk]
    assert mine | {"id": None} == other | {"id": None}


def test_nothing_is_written_before_it_is_run() -> None:
    worded = insertion([job()])
    assert not Job.objects.exists()
    assert [one.run() for one in worded] == [1]
    assert Job.objects.count() == 1


def test_a_row_that_was_inserted_can_be_saved_again() -> None:
    one = job()
    run_all(insertion([one]))
    one.message = "again"
    one.save()
    assert Job.objects.get().message == "again"


def test_more_rows_than_a_statement_takes_are_numbered_in_their_order() -> None:
    rows = [
        Event(kind=str(n), payload={"n": n}, created_at=NOW, not_before=NOW)
        for n in range(500)
    ]
    worded = insertion(rows)
    assert (len(worded) > 1) == (connection.vendor == "sqlite")
    run_all(worded)
    in_order = Event.objects.order_by("id").values_list("kind", flat=True)
    assert list(in_order) == [str(n) for n in range(500)]


def test_no_rows_are_no_statement() -> None:
    assert insertion([]) == []


def test_a_row_may_refer_to_one_that_has_no_number_yet() -> None:
    sites = Site.objects.filter(code="S").values("pk")
    line = Line(code="L", site_id=Subquery(sites))
    run_all([*insertion([Site(code="S", name="S")]), *insertion([line])])
    assert Line.objects.get().site.code == "S"


def test_an_update_changes_what_it_would_change_when_it_runs() -> None:
    first, second = job(), job()
    first.save()
    later = update(
        Job.objects.filter(queue="q"), attempts=F("attempts") + 1, message="x"
    )
    second.save()
    assert later.run() == 2
    assert set(Job.objects.values_list("attempts", "message")) == {(1, "x")}
    assert update(Job.objects.filter(queue="other"), message="y").run() == 0


def test_a_transaction_that_fails_leaves_nothing() -> None:
    one = job(dedup_key="k")
    worded = [*insertion([one]), *insertion([job(dedup_key="k")])]
    with pytest.raises(IntegrityError), transaction.atomic():
        run_all(worded)
    assert not Job.objects.exists()


@pytest.fixture
def worded(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each statement whether a transaction was open while it was worded."""
    asked: list[bool] = []

    def noting(word: Callable[..., Any]) -> Callable[..., Any]:
        def note(*some: Any, **values: Any) -> Any:
            asked.append(connection.in_atomic_block)
            return word(*some, **values)

        return note

    for name in ("InsertQuery", "UpdateQuery"):
        query = getattr(statements, name)
        monkeypatch.setattr(
            query, "get_compiler", noting(query.get_compiler), raising=True
        )
    return asked


def test_a_job_that_is_entered_later_is_worded_before(worded: list[bool]) -> None:
    draft = jobs.Draft("t", queue="q")
    with transaction.atomic():
        entered = draft.enter()
    assert worded
    assert not any(worded)
    assert Job.objects.get() == entered

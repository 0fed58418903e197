"""Who writes through Django queues, for as long as the transaction lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError, connection, connections, transaction

from traceability.catalog.models import Site
from traceability.lib.sqlite.turns import Turn

LONG = 30.0

pytestmark = [
    pytest.mark.skipif(
        "connection.vendor != 'sqlite'", reason="this database queues by itself"
    ),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Callable[[], object]], threading.Thread]]:
    """Starts something in a thread, with a connection of its own."""
    threads = []

    def start(work: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            finally:
                connections.close_all()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(LONG)


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_a_transaction_has_the_turn_until_it_ends(
    end: str, elsewhere: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    written = threading.Event()

    def write() -> None:
        with transaction.atomic():
            written.set()

    with _begun(end):
        other = elsewhere(write)
        assert not written.wait(0.2)
    other.join(LONG)
    assert written.is_set()


@contextmanager
def _begun(end: str) -> Iterator[None]:
    class Undone(Exception):
        pass

    try:
        with transaction.atomic():
            with transaction.atomic():
                pass  # the end of an inner one is not the end
            yield
            if end == "rollback":
                raise Undone
            if end == "close":
                connection.close()
    except Undone:
        pass


def test_what_is_written_outside_of_transactions_queues_too(
    elsewhere: Callable[[Callable[[], object]], threading.Thread],
) -> None:
    turn, read, written = Turn(_database()), threading.Event(), threading.Event()

    def write() -> None:
        assert not Site.objects.exists()
        read.set()
        Site.objects.update(name="X")
        written.set()

    assert turn.take(LONG)
    other = elsewhere(write)
    assert read.wait(LONG)
    assert not written.wait(0.2)
    turn.give()
    other.join(LONG)
    assert written.is_set()
    assert turn.take(LONG)


def _database() -> Path:
    return Path(connection.settings_dict["NAME"])


def test_who_waits_too_long_is_told_that_the_database_is_locked(
    elsewhere: Callable[[Callable[[], object]], threading.Thread],
) -> None:
    errors: list[str] = []

    def write() -> None:
        connection.settings_dict["OPTIONS"]["timeout"] = 0.1
        try:
            with transaction.atomic():
                pass
        except OperationalError as error:
            errors.append(str(error))

    before = connection.settings_dict["OPTIONS"]["timeout"]
    try:
        with transaction.atomic():
            elsewhere(write).join(LONG)
    finally:
        connection.settings_dict["OPTIONS"]["timeout"] = before
    assert errors == ["database is locked: another one has been writing"]
    with transaction.atomic():
        pass


def test_a_queue_that_cannot_be_opened_is_an_error_of_the_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connection.ensure_connection()
    elsewhere = Turn(tmp_path / "away" / "database")
    monkeypatch.setattr(connections["default"], "_turn", elsewhere)
    with pytest.raises(OperationalError, match="unable to queue"), transaction.atomic():
        pass

"""A commit wakes a worker at once, and never waits for a broker that is not there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from redis import Redis

from traceability.lib import broker
from traceability.outbox import services, wake
from traceability.outbox.wake import publish  # before the autouse double replaces it


@pytest.fixture(autouse=True)
def _awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "_silent_until", {})
    monkeypatch.setattr(wake, "publish", publish)


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing listens where the broker should be."""
    address = f"redis+socket://{tmp_path}/nobody.sock"
    monkeypatch.setattr(broker, "url", lambda: address)
    broker._producers.cache_clear()
    yield
    broker._producers.cache_clear()


@pytest.mark.django_db(transaction=True)
def test_a_committed_event_wakes_the_dispatcher(redis: Redis) -> None:
    with transaction.atomic():
        services.emit("tick", "a")
        services.emit("tick", "b")
        assert redis.llen("system") == 0, "not before it is committed"
    (message,) = redis.lrange("system", 0, -1)
    assert json.loads(message)["headers"]["task"] == "outbox.dispatch"


@pytest.mark.django_db(transaction=True)
def test_every_delivery_wakes_a_sender(redis: Redis) -> None:
    for n in range(2):
        services.send_later("email", "a@example.com", {}, dedup_key=str(n))
    assert redis.llen("system") == 2


def test_a_burst_is_one_call(redis: Redis) -> None:
    sent = [publish("outbox.dispatch", quiet=5) for _event in range(100)]
    assert sent.count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_nothing_waits_and_nothing_is_lost(no_broker: None) -> None:
    started = time.monotonic()
    for n in range(50):
        services.emit("tick", "a", {"n": n})
        services.send_later("email", "a@example.com", {}, dedup_key=str(n))
    assert time.monotonic() - started < 3
    assert services.Event.objects.count() == services.Delivery.objects.count() == 50

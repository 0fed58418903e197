"""What the worker tells of its ladder arrives, and makes nobody wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import OperationalError

from inference_worker import telling
from inference_worker.ladder.hops import Footing, Situation
from inference_worker.ladder.reasons import Failure, Reason, Stage
from inference_worker.telling import Teller
from traceability.inspection import devices
from traceability.inspection.workers import Device
from traceability.outbox.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
PLACE = "inspect-1@host"
GOOD = Situation(Footing("cuda", "toy", "1", "cuda", "f32"), ())
BAD = Situation(
    Footing("openvino", "toy", "1", "openvino", "bf16"),
    (Failure("cuda", Reason.OOM, Stage.TRAFFIC, "x", "full", 1_800_000_000.0),),
)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def kinds() -> list[str]:
    return list(Event.objects.order_by("id").values_list("kind", flat=True))


def test_each_change_is_told_with_its_events() -> None:
    teller = Teller(PLACE)
    teller.tell(GOOD)
    until(lambda: Device.objects.filter(rung="cuda", degraded=False).exists())
    teller.tell(BAD)
    until(lambda: Device.objects.filter(rung="openvino", degraded=True).exists())
    teller.tell(GOOD)
    teller.close()
    assert kinds() == [devices.DEGRADED, devices.MENDED]
    told = Event.objects.get(kind=devices.DEGRADED).payload
    assert (told["rung"], told["to"], told["reason"]) == ("cuda", "openvino", "OOM")
    assert told["at"] == "2027-01-15T08:00:00+00:00"


def test_the_next_process_tells_the_same_and_no_event_is_written() -> None:
    for _ in range(2):
        teller = Teller(PLACE)
        teller.tell(BAD)
        teller.close()
    assert kinds() == [devices.DEGRADED]
    assert Device.objects.count() == 1


def test_a_database_that_is_away_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, calls = threading.Event(), list[bool]()

    def away(state: object) -> None:
        calls.append(told.wait(5))
        if len(calls) < 3:
            raise OperationalError("gone")
        tell(state)

    tell = devices.tell
    monkeypatch.setattr(telling, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(devices, "tell", away)
    teller = Teller(PLACE)
    teller.tell(BAD)
    told.set()
    until(lambda: Device.objects.filter(degraded=True).exists())
    teller.close()
    assert calls == [True] * 3, "who tells waits for no database"


def test_who_is_in_trouble_says_so_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "BEAT_SECONDS", 0.05)
    teller = Teller(PLACE)
    teller.tell(BAD)
    until(lambda: Device.objects.exists())
    before = Device.objects.get().seen_at
    until(lambda: Device.objects.get().seen_at > before)
    teller.close()

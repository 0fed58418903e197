"""`Prefer: wait`: who may wait, how long, and what wakes them."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from rest_framework.test import APIRequestFactory

from traceability.api.waiting import place, wanted_seconds
from traceability.lib.wakeup import wait, wake


@pytest.mark.parametrize(
    ("preference", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async, wait=3", 3),
        ("wait = 4", 4),
        ("wait=99", 10),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("await=5", 0),
        ("wait=x", 0),
        ("", 0),
    ],
)
def test_the_preference_is_read_and_capped(preference, seconds):
    request = APIRequestFactory().post("/", headers={"Prefer": preference})
    assert wanted_seconds(request) == seconds


def test_half_of_the_threads_may_wait(settings):
    with place(wanted=False) as idle:
        assert not idle
    places = [place(wanted=True) for _ in range(settings.WEB_THREADS // 2)]
    assert all(one.__enter__() for one in places)
    with place(wanted=False), place(wanted=True) as more:
        assert not more
    for one in places:
        one.__exit__(None, None, None)
    with place(wanted=True) as again:
        assert again


def test_all_who_wait_are_woken_at_once(redis):
    subject = uuid.uuid4()
    woken: list[bool] = []
    threads = [
        threading.Thread(target=lambda: woken.append(wait(subject, 5)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    started = time.monotonic()
    wake([subject])
    for thread in threads:
        thread.join()
    assert woken == [True, True, True]
    assert time.monotonic() - started < 2
    assert wait(subject, 1), "who comes late finds the message"


def test_nobody_waits_for_ever(redis):
    started = time.monotonic()
    assert not wait(uuid.uuid4(), 1)
    assert time.monotonic() - started < 3

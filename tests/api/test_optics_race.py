"""Optics of one station, sent at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connection, transaction

from tests.api.at_once import answers, closing
from tests.api.calibrations import written
from tests.api.test_optics import send
from traceability.inspection.cameras import Optics


@pytest.mark.django_db(transaction=True)
def test_what_is_kept_is_what_was_in_use_when_its_turn_came(camera, station):
    """Not what was when it was asked: another calibration was on its way."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time, and readers wait for none")
    send(camera, written())
    newer = written(distortion_coefficients=np.array([[0.1, 0, 0, 0]]))

    def keep():
        return send(camera, keep_calibration=True, denoise=5).json()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            send(camera, newer)
            kept = pool.submit(closing(keep))
            with pytest.raises(TimeoutError):
                kept.result(timeout=0.5)
        assert kept.result(timeout=20)["distortion"] == [0.1, 0, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_optics_sent_at_once_leave_one_in_use(camera, station):
    def one(denoise):
        return send(camera, written(), denoise=denoise % 4).status_code

    assert answers(one, range(12)) <= {200, 201}
    assert Optics.objects.filter(retired_at__isnull=True).count() == 1

"""The Celery application: transport only, the Job row is the truth."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_ready

from traceability.lib import kombu_redis
from traceability.lib.garbage import settle

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traceability.settings")

kombu_redis.take_over()

app = Celery("causeline", amqp=kombu_redis.ImpatientAMQP)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["inference_worker", "analytics"])


@worker_ready.connect
@worker_process_init.connect
def be_settled(**_: Any) -> None:
    settle()

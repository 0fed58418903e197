"""The Celery application: transport only, the Job row is the truth."""

from __future__ import annotations

import os

from celery import Celery

from traceability.lib import kombu_redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "traceability.settings")

kombu_redis.take_over()

app = Celery("causeline", amqp=kombu_redis.ImpatientAMQP)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["inference_worker", "analytics"])

"""Events that are written with what they tell, and messages that must leave the house."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """Something that happened, in the transaction in which it happened.

    `id` is the outbox sequence. `key` names what it is about (a station, a run).
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=50)
    key = models.CharField(max_length=100, blank=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(dispatched_at__isnull=True),
                name="event_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.kind} {self.key}"


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")


class Delivery(models.Model):
    """One message to one recipient over one transport, sent at least once.

    `dedup_key` makes writing it twice harmless. `message` is what the transport's
    `send` takes; it holds references (`cid` → media name), never bytes.
    """

    transport = models.CharField(max_length=20)
    recipient = models.CharField(max_length=254)
    dedup_key = models.CharField(max_length=200, unique=True)
    message = models.JSONField()
    state = models.CharField(
        max_length=10, choices=DeliveryState, default=DeliveryState.WAITING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["not_before"],
                condition=models.Q(state="waiting"),
                name="delivery_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.transport} to {self.recipient} ({self.state})"

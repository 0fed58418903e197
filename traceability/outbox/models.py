"""Events, written with what they tell, and messages that must leave the house."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """Something that happened, in the transaction in which it happened.

    `id` is the outbox sequence. `key` names what it is about (a station, a run):
    events of one key are handed over in order, one at a time. `handled` lists the
    consumers that have done their part; `not_before` is also the claim's lease.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=50)
    key = models.CharField(max_length=100, blank=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    not_before = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True, blank=True)
    handled = models.JSONField(default=list)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(dispatched_at__isnull=True),
                name="event_waiting",
            ),
            models.Index(
                fields=["key", "id"],
                condition=models.Q(dispatched_at__isnull=True),
                name="event_waiting_of_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.kind} {self.key}"


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")


class Delivery(models.Model):
    """One message to one recipient over one transport, sent at least once.

    `dedup_key` makes writing it twice harmless. `message` names its renderer
    (`{"render": name, …}`, see `renderers`) and what that needs: references, never
    bytes. While `leased_until` lies ahead somebody is sending it.
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
    leased_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["transport", "not_before"],
                condition=models.Q(state="waiting"),
                name="delivery_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.transport} to {self.recipient} ({self.state})"

"""Events, written with what they tell, and messages that must leave the house.

Over a transport without an order (mail) they are deliveries, over a broker (MQTT)
publications: numbered by stream, and sent in that order.
"""

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


class Stream(models.Model):
    """What a consumer counts by: one kind of message from one place.

    `sequence` is the number given last; whoever takes the next one locks the row until
    it commits, so numbers become visible in their order and none is missing.
    """

    name = models.CharField(max_length=100, unique=True)
    sequence = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.sequence}"


class Retain(models.TextChoices):
    """What the broker shall keep of a message for those who subscribe later."""

    NOTHING = "nothing"
    THIS = "this"
    NO_MORE = "no_more"


class Publication(models.Model):
    """A message on its way to the broker; the row goes when the broker has it."""

    id = models.BigAutoField(primary_key=True)
    stream = models.ForeignKey(Stream, models.CASCADE, related_name="publications")
    sequence = models.PositiveBigIntegerField()
    topic = models.TextField()
    payload = models.TextField()
    retain = models.CharField(max_length=10, choices=Retain, default=Retain.NOTHING)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "sequence"], name="publication_numbered_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.sequence} {self.topic}"


class Retained(models.Model):
    """What the broker keeps now, to be told again to one that has forgotten it."""

    topic = models.TextField(primary_key=True)
    payload = models.TextField()

    def __str__(self) -> str:
        return self.topic


class Link(models.Model):
    """A connection that a process of its own holds, as that process last knew it.

    `up` since `since`, or down since then, because of `error`. It is the `holder`'s
    until `leased_until`. `told` is true once somebody was told of this outage.
    """

    name = models.CharField(max_length=20, primary_key=True)
    up = models.BooleanField(default=False)
    since = models.DateTimeField()
    error = models.TextField(blank=True)
    holder = models.CharField(max_length=200, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    sent = models.PositiveBigIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    told = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.name} ({'up' if self.up else 'down'})"

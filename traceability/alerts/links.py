"""The mail about a connection out of the house that has been away for long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from traceability.accounts.models import Role, User
from traceability.attribution.wording import moment
from traceability.outbox import links
from traceability.outbox.mail import Mail
from traceability.outbox.models import Event
from traceability.outbox.services import send_later
from traceability.outbox.transports.errors import Undeliverable


def tell_administrators(event: Event) -> None:
    """Write one mail to each administrator; the outage is named by its beginning."""
    administrator = Q(memberships__role=Role.ADMIN) | Q(is_superuser=True)
    told = User.objects.filter(administrator, is_active=True).exclude(email="")
    for user in told.distinct().order_by("pk"):
        send_later(
            "email",
            user.email,
            {"render": "link", "user": user.pk},
            dedup_key=f"link:{event.payload['since']}:{user.pk}",
        )


def render(message: Mapping[str, Any]) -> Mail:
    """The mail in the user's language; raises Undeliverable when all is well again."""
    user = User.objects.filter(pk=message["user"], is_active=True).first()
    if user is None:
        raise Undeliverable("the user is no longer there")
    health = links.health()
    if health.up and not health.error and not health.waiting:
        raise Undeliverable("the broker is back")
    with translation.override(user.language):
        title = _("The MQTT broker is away")
        facts = [
            (_("Connected"), _("yes") if health.up else _("no")),
            (_("Since"), f"{moment(health.since)} ({timezone.get_current_timezone()})"),
            (_("Waiting messages"), str(health.waiting)),
            (_("Last error"), " ".join(health.error.split()) or "–"),
        ]
        context = {
            "language": translation.get_language(),
            "title": title,
            "facts": facts,
            "days": settings.MQTT_DAYS,
            "link": f"{settings.SITE_URL}/jobs/",
        }
        return Mail(
            subject=title,
            text=render_to_string("mail/link.txt", context).strip() + "\n",
            html=render_to_string("mail/link.html", context),
            thread="link:mqtt",
        )

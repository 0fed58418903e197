"""Who may do what, and who answers for what."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser, Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from traceability.catalog.models import Line, Site, Station


class User(AbstractUser):
    """A person. `language` is also the language of the mails they get."""

    language = models.CharField(max_length=10, default="en")


class Role(models.TextChoices):
    VIEWER = "viewer", _("Viewer")
    ENGINEER = "engineer", _("Engineer")
    QUALITY_MANAGER = "quality_manager", _("Quality manager")
    ADMIN = "admin", _("Administrator")


class Membership(models.Model):
    """A user's role at a site; without one the site does not exist for them."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    site = models.ForeignKey(Site, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role, default=Role.VIEWER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "site"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.site} · {self.role}"


class Scope(models.TextChoices):
    INGEST = "ingest", _("push master data and production (MES)")
    UPLOAD = "upload", _("upload images (cameras)")
    READ = "read", _("read everything of the site")


class ApiKey(models.Model):
    """A machine's key. Only the SHA-256 of its secret is kept."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Responsibility(models.Model):
    """A user or a group answers for a line or for one station."""

    user = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, related_name="responsibilities"
    )
    group = models.ForeignKey(
        Group, models.CASCADE, null=True, blank=True, related_name="responsibilities"
    )
    line = models.ForeignKey(
        Line, models.CASCADE, null=True, blank=True, related_name="responsibilities"
    )
    station = models.ForeignKey(
        Station, models.CASCADE, null=True, blank=True, related_name="responsibilities"
    )

    class Meta:
        verbose_name_plural = "responsibilities"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) ^ models.Q(group__isnull=True),
                name="responsibility_user_or_group",
            ),
            models.CheckConstraint(
                condition=models.Q(line__isnull=True) ^ models.Q(station__isnull=True),
                name="responsibility_line_or_station",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group} → {self.station or self.line}"

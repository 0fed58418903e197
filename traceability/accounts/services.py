"""Make and check keys."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from traceability.accounts.models import ApiKey, Scope
from traceability.catalog.models import Site

# `last_used_at` is written at most this often, so that reading stays reading.
USED_RESOLUTION = timedelta(minutes=1)


def create_api_key(
    site: Site,
    name: str,
    scopes: Iterable[Scope],
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; returns it with the text to send, which is never shown again."""
    secret = secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        site=site,
        name=name,
        prefix=secrets.token_hex(4),
        secret_sha256=_digest(secret),
        scopes=[str(scope) for scope in scopes],
        created_at=timezone.now(),
        expires_at=expires_at,
    )
    return key, f"{key.prefix}.{secret}"


def find_api_key(text: str) -> ApiKey | None:
    """The live key that `<prefix>.<secret>` opens, or None (constant time)."""
    prefix, _, secret = text.partition(".")
    now = timezone.now()
    key = _live_key(prefix, now)
    expected = key.secret_sha256 if key else _digest("")
    if not hmac.compare_digest(expected, _digest(secret)) or key is None:
        return None
    if key.last_used_at is None or now - key.last_used_at > USED_RESOLUTION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def _live_key(prefix: str, now: datetime) -> ApiKey | None:
    """The key of this prefix unless it was revoked or has expired."""
    try:
        key = ApiKey.objects.get(prefix=prefix)
    except ApiKey.DoesNotExist:
        return None
    expired = key.expires_at is not None and key.expires_at <= now
    return None if expired or key.revoked_at is not None else key


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

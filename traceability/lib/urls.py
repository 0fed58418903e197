"""Turn addresses from the environment into what Django wants to be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from traceability.lib.config import BadSetting, Config

MAIL_TO_FILES = "traceability.outbox.transports.mailbox.EmailBackend"
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def database_from_url(config: Config, name: str, default: Path) -> dict[str, Any]:
    """`postgresql://user:password@host:port/database`, or SQLite in `default`.

    The password may also be in `CAUSELINE_DATABASE_PASSWORD`.
    """
    url = config.given_secret(name)
    password = config.given_secret("CAUSELINE_DATABASE_PASSWORD")
    if not url:
        return _sqlite(default)
    parts = split(config, name, url)
    if parts is None:
        return _sqlite(default)
    if parts.scheme == "sqlite":
        return _sqlite(Path(parts.path))
    if parts.scheme in {"postgres", "postgresql"}:
        return _postgresql(parts, password)
    config.bad.append(
        BadSetting(
            name,
            f"{parts.scheme!r} is no database this software knows",
            "Use postgresql://user:password@host/database, or unset it for SQLite.",
        )
    )
    return _sqlite(default)


def split(config: Config, name: str, url: str) -> SplitResult | None:
    """Its parts, whose port can be read; None for what is no address, which is
    remembered and not repeated: it may hold a password.
    """
    parts = parts_of(url)
    if parts is None:
        hint = (
            "In passwords write # / ? @ : as %23 %2F %3F %40 %3A; a port is a number."
        )
        config.bad.append(BadSetting(name, "is no address", hint))
    return parts


def parts_of(url: str) -> SplitResult | None:
    """None for what is no address."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # which is read only now
    except ValueError:
        return None
    return parts


def _sqlite(path: Path) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "traceability.lib.sqlite",
        "NAME": str(path),
        # To open it takes as long as ten questions, and so does it for who closes last.
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            # A writer takes its lock at BEGIN: a deferred one could fail half-way
            # with "database is locked" whatever the timeout.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
                "PRAGMA cache_size=-32000;PRAGMA temp_store=MEMORY;"
            ),
        },
    }


def _postgresql(parts: SplitResult, password: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": password or unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def mail_from_url(config: Config, name: str) -> dict[str, Any]:
    """`smtp://user:password@host:25` (`smtps` = TLS at once, `smtp+tls` = STARTTLS).

    Without it every mail becomes a file in the data folder's `mail/`.
    """
    url = config.given_secret(name)
    if not url:
        return {"EMAIL_BACKEND": MAIL_TO_FILES}
    parts = split(config, name, url)
    if parts is None:
        return {"EMAIL_BACKEND": MAIL_TO_FILES}
    if parts.scheme not in MAIL_PORTS or not parts.hostname:
        hint = "Use smtp://host:25, smtp+tls://user:password@host:587 or smtps://…:465."
        config.bad.append(BadSetting(name, "is no mail server", hint))
        return {"EMAIL_BACKEND": MAIL_TO_FILES}
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port
        or {"smtps": 465, "smtp+tls": 587}.get(parts.scheme, 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
    }

"""All settings of one site, read from the environment.

Nothing needs to be set: the defaults run everything on one machine with SQLite and an
embedded Redis, and keep all state in `CAUSELINE_DATA` (default `var/`). Mistakes in the
environment are reported by `manage.py check` (see `traceability/checks.py`).
"""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from typing import Any

from celery.schedules import schedule
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from kombu import Queue

from traceability.lib.cards import MOST_SHARED, SHARED
from traceability.lib.config import Config
from traceability.lib.mqtt_address import mqtt_from_environment
from traceability.lib.sizes import usable_cores, web_processes, web_threads
from traceability.lib.urls import database_from_url, mail_from_url

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent
config = Config()

# --- Where state lives ---------------------------------------------------------------
DATA_DIR = config.path("CAUSELINE_DATA", BASE_DIR / "var")
KEYS_DIR = DATA_DIR / "keys"
MEDIA_ROOT = DATA_DIR / "media"
RUNS_ROOT = DATA_DIR / "runs"
# Where `collectstatic` put them when an image was built; else they are served from
# where they lie.
COLLECTED = config.text("CAUSELINE_STATIC")
STATIC_ROOT = Path(COLLECTED) if COLLECTED else DATA_DIR / "static"
try:
    for folder in (DATA_DIR, STATIC_ROOT):
        folder.mkdir(parents=True, exist_ok=True)
except OSError as error:
    hint = "Set CAUSELINE_DATA to a folder that this user may write."
    raise ImproperlyConfigured(f"CAUSELINE_DATA: {error}. {hint}") from error

# --- Web -----------------------------------------------------------------------------
DEBUG = config.flag("CAUSELINE_DEBUG", default=False)
SECRET_KEY = config.secret("CAUSELINE_SECRET_KEY", KEYS_DIR)
ALLOWED_HOSTS = config.names("CAUSELINE_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = config.names("CAUSELINE_TRUSTED_ORIGINS", [])
SITE_URL = config.text("CAUSELINE_URL", "http://127.0.0.1:8000").rstrip("/")
HTTPS = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
_hsts_seconds = config.number("CAUSELINE_HSTS_SECONDS", 31_536_000)
_redirects = config.flag("CAUSELINE_SSL_REDIRECT", default=True)
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = _hsts_seconds
    SECURE_SSL_REDIRECT = _redirects

ROOT_URLCONF = "traceability.urls"
WSGI_APPLICATION = "traceability.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_htmx",
    "rules",
    "traceability.outbox",
    "traceability.jobs",
    "traceability.catalog",
    "traceability.accounts",
    "traceability.production",
    "traceability.inspection",
    "traceability.attribution",
    "traceability.alerts",
    "traceability.ingest",
    "traceability.api",
    "traceability.dashboards",
    "traceability.demo",
    "traceability",
    "analytics",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "traceability.lib.request_id.RequestIdMiddleware",
    "traceability.lib.trace.TraceMiddleware",
    "traceability.lib.counting.CountingMiddleware",
    "traceability.lib.bodies.BodyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "traceability.dashboards.reader.ReaderMiddleware",
    "traceability.dashboards.csp.ContentSecurityPolicyMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "traceability.dashboards.context.shell",
            ],
        },
    }
]

# --- Database ------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": database_from_url(
        config, "CAUSELINE_DATABASE_URL", DATA_DIR / "db.sqlite3"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Language and time ---------------------------------------------------------------
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LANGUAGE_CODE = config.one_of(
    "CAUSELINE_LANGUAGE", "en", dict(LANGUAGES), "en or zh-hans"
)
LOCALE_PATHS = [BASE_DIR / "traceability" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = config.one_of(
    "CAUSELINE_TIME_ZONE",
    "UTC",
    zoneinfo.available_timezones(),
    "Asia/Shanghai or Europe/Berlin",
)

# --- Files ---------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_IMAGE_PIXELS = 50_000_000
MINIMUM_FREE_BYTES = config.number("CAUSELINE_MINIMUM_FREE_MB", 512) * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_IMAGE_BYTES
DATA_UPLOAD_MAX_NUMBER_FILES = 4
# A photo, its template, and room to say of one that it is too large.
MAX_BODY_BYTES = 4 * MAX_IMAGE_BYTES

# --- Redis and Celery ----------------------------------------------------------------
REDIS_SOCKET = DATA_DIR / "redis" / "redis.sock"
REDIS_URL = config.text("CAUSELINE_REDIS_URL") or f"redis+socket://{REDIS_SOCKET}"
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # kombu's own defaults would make a killed worker's messages wait for 100 s.
    "visibility_timeout": 15,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10.0
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TASK_DEFAULT_QUEUE = "system"
CELERY_TASK_QUEUES = [Queue(name) for name in ("inspect", "analysis", "system")]
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "jobs.sweep": {
        "task": "jobs.sweep",
        "schedule": schedule(1.0),
        "options": {"queue": "system", "expires": 2},
    },
    "outbox.dispatch": {
        "task": "outbox.dispatch",
        "schedule": schedule(2.0),
        "options": {"queue": "system", "expires": 2},
    },
    "outbox.deliver": {
        "task": "outbox.deliver",
        "schedule": schedule(5.0),
        "options": {"queue": "system", "expires": 5},
    },
    "outbox.watch": {
        "task": "outbox.watch",
        "schedule": schedule(30.0),
        "options": {"queue": "system", "expires": 30},
    },
    "outbox.sweep": {
        "task": "outbox.sweep",
        "schedule": schedule(3600.0),
        "options": {"queue": "system", "expires": 600},
    },
    "inspection.sweep_orphans": {
        "task": "inspection.sweep_orphans",
        "schedule": schedule(3600.0),
        "options": {"queue": "system", "expires": 600},
    },
    "attribution.sweep_snapshots": {
        "task": "attribution.sweep_snapshots",
        "schedule": schedule(3600.0),
        "options": {"queue": "system", "expires": 600},
    },
}
JOB_LEASE_SECONDS = 15
JOB_HEARTBEAT_SECONDS = 5
JOB_MAX_ATTEMPTS = 3
# Called in this order with each event of the outbox; see `traceability/outbox`.
OUTBOX_CONSUMERS = [
    "traceability.inspection.consumers.on_event",
    "traceability.attribution.consumers.on_event",
    "traceability.alerts.consumers.on_event",
]
# How long what was handed over and sent is kept.
OUTBOX_DAYS = config.number("CAUSELINE_OUTBOX_DAYS", 7, 4, 3650)

# --- MQTT: off unless CAUSELINE_MQTT_URL is set --------------------------------------
MQTT = mqtt_from_environment(config)
# A broker that is away for longer is worth a mail; results that wait for longer go.
MQTT_ALERT_MINUTES = config.number("CAUSELINE_MQTT_ALERT_MINUTES", 10, 1)
MQTT_DAYS = config.number("CAUSELINE_MQTT_DAYS", 7, 1, 3650)
if MQTT is not None:
    OUTBOX_CONSUMERS += [
        "traceability.inspection.announcing.on_event",
        "traceability.alerts.announcing.on_event",
    ]

# --- Inspection and analysis ---------------------------------------------------------
INSPECTION_MODEL = config.text("CAUSELINE_MODEL", "pcb-defects")
INSPECTION_BACKENDS = config.some_of(
    "CAUSELINE_BACKEND",
    "auto",
    ("tensorrt", "cuda", "openvino", "onnxruntime"),
    "auto, or names like tensorrt,cuda,openvino, the best first",
)
INSPECTION_PRECISION = config.one_of(
    "CAUSELINE_PRECISION", "", ("", "int8", "f32", "bf16", "f16"), "int8, f32 or bf16"
)
INSPECTION_THREADS = config.number("CAUSELINE_INFERENCE_THREADS", 0, 0, 1024)
STRICT_SERIALS = config.flag("CAUSELINE_STRICT_SERIALS", default=False)
CAPTURED_AHEAD_HOURS = 24
WAIT_SECONDS_MAX = 10
# Who starts them reads it from the environment; here it is checked.
CARD_PROCESSES = config.number(SHARED, 1, 1, MOST_SHARED)
WEB_PROCESSES = config.number(  # 0: by the cores
    "CAUSELINE_WEB_PROCESSES", 0, 0, 64
) or web_processes(usable_cores())
WEB_THREADS = config.number("CAUSELINE_WEB_THREADS", web_threads(WEB_PROCESSES), 2, 256)
ANALYSIS_PAUSE_SECONDS = 30
ANALYSIS_WINDOW_DAYS = config.number("CAUSELINE_ANALYSIS_DAYS", 60, 1, 3650)
# What each analysis saw is kept for `manage.py replay`, the newest first.
SNAPSHOT_DAYS = config.number("CAUSELINE_SNAPSHOT_DAYS", 90, 0, 3650)
SNAPSHOT_BYTES = config.number("CAUSELINE_SNAPSHOT_MB", 2048) * 1024 * 1024
# Where readings are screened; the analysis' own process when empty.
ANALYSIS_DASK_SCHEDULER = config.text("ANALYTICS_DASK_SCHEDULER")
ALERT_MAX_AGE_HOURS = 24

# --- Figures for Prometheus: docs/metrics.md -----------------------------------------
METRICS_TOKEN = config.secret("CAUSELINE_METRICS_TOKEN", KEYS_DIR)
# Each inspection worker listens on a port of its own, from this one on; 0: none does.
METRICS_PORT = config.number("CAUSELINE_METRICS_PORT", 0, 0, 65_000)
METRICS_HOST = config.text("CAUSELINE_METRICS_HOST", "127.0.0.1")

# --- Mail ----------------------------------------------------------------------------
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
DEFAULT_FROM_EMAIL = config.text("CAUSELINE_MAIL_FROM", "causeline@localhost")
EMAIL_TIMEOUT = 10
globals().update(mail_from_url(config, "CAUSELINE_SMTP_URL"))

# --- REST ----------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "traceability.api.auth.ApiKeyAuthentication",
        "traceability.api.auth.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["traceability.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": [
        "traceability.api.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["traceability.api.filtering.StrictFilters"],
    "DEFAULT_PAGINATION_CLASS": "traceability.api.pagination.ReceivedOrder",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "traceability.api.errors.handle",
    "PAGE_SIZE": 100,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Causeline",
    "DESCRIPTION": "From a photo on the production line to the cause behind the defect",
    "VERSION": "v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "InspectionState": "traceability.inspection.models.InspectionState",
        "JobState": "traceability.jobs.models.JobState",
    },
}

# --- Logging: one line per event, to stderr ------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "traceability.lib.request_id.RequestIdFilter"},
        "trace": {"()": "traceability.lib.trace.TraceFilter"},
    },
    "formatters": {
        "line": {
            "format": "%(asctime)s %(levelname)s %(name)s"
            " [%(request_id)s %(trace_id)s] %(message)s"
        }
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id", "trace"],
        }
    },
    "root": {
        "handlers": ["stderr"],
        "level": config.one_of(
            "CAUSELINE_LOG_LEVEL",
            "INFO",
            ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
            "INFO",
        ),
    },
}

BAD_SETTINGS = config.bad
UNKNOWN_SETTINGS = config.unknown("CAUSELINE_")

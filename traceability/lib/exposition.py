"""Who may read figures, and how they are written out."""

from __future__ import annotations

import hmac

from django.conf import settings
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

REFUSAL = (
    "Send 'Authorization: Bearer TOKEN' with the content of "
    "keys/causeline_metrics_token; see docs/metrics.md.\n"
)


def may_read(authorization: str) -> bool:
    """Whether the header has the site's token for figures; nobody has an empty one."""
    kind, _, token = authorization.partition(" ")
    expected = settings.METRICS_TOKEN.encode()
    given = token.strip().encode("utf-8", "replace")
    right = kind.lower() == "bearer" and hmac.compare_digest(given, expected)
    return right and bool(expected)


def written(figures: Collector, accept: str) -> tuple[bytes, str]:
    """All figures as text, and its content type, as a scraper that says `accept`
    wants them.
    """
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # of a version that is none
        encode, content_type = choose_encoder("")
    return encode(figures), content_type

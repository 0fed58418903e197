"""Who turns a delivery's references into what its transport sends.

The outbox knows nobody above it. An app registers its renderer by name when it gets
ready; the row in the database holds that name, never the path of code to run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.module_loading import import_string

from traceability.outbox.mail import Mail
from traceability.outbox.transports.errors import Undeliverable

Renderer = Callable[[Mapping[str, Any]], Mail]
_paths: dict[str, str] = {}


def register(name: str, path: str) -> None:
    """Let messages with `"render": name` be made by the function at dotted `path`."""
    _paths[name] = path


def render(message: Mapping[str, Any]) -> Mail:
    """What `message` stands for now; raises Undeliverable when that is nothing."""
    name = str(message.get("render", ""))
    if name not in _paths:
        raise Undeliverable(f"no renderer is called {name!r}")
    renderer: Renderer = import_string(_paths[name])
    return renderer(message)

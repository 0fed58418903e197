"""Where the MQTT broker is and how to sign in there, from the environment."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote

from traceability.lib.config import BadSetting, Config
from traceability.lib.urls import parts_of

URL = "CAUSELINE_MQTT_URL"
PORTS = {"mqtt": 1883, "mqtts": 8883}
VERSIONS = ("5", "3.1.1")
# The first level of every topic; `$` would be the broker's own, + and # are wildcards.
TOPIC = re.compile(r"[^$+#/\x00-\x1f\x7f][^+#\x00-\x1f\x7f]*(?<!/)")


@dataclass(frozen=True)
class MqttAddress:
    """One broker. `authority`, `certificate` and `key` are PEM files, or None.

    `topic` is what every topic begins with. Without `authority` the certificates that
    the system trusts are believed.
    """

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    version: str = "5"
    topic: str = "causeline"


def mqtt_from_environment(config: Config) -> MqttAddress | None:
    """`mqtt://host:1883` or `mqtts://host:8883`; None while nobody asks for it."""
    url = config.text(URL)
    parts = parts_of(url)
    user = config.given_secret("CAUSELINE_MQTT_USER")
    password = config.given_secret("CAUSELINE_MQTT_PASSWORD")
    address = MqttAddress(
        *_place(config, url, parts),
        user=user or unquote((parts and parts.username) or ""),
        password=password or unquote((parts and parts.password) or ""),
        authority=_file(config, "CAUSELINE_MQTT_CA_FILE"),
        certificate=_file(config, "CAUSELINE_MQTT_CERT_FILE"),
        key=_file(config, "CAUSELINE_MQTT_KEY_FILE"),
        version=config.one_of("CAUSELINE_MQTT_VERSION", "5", VERSIONS, "5 or 3.1.1"),
        topic=_topic(config),
    )
    return address if address.host else None


def _place(
    config: Config, url: str, parts: SplitResult | None
) -> tuple[str, int, bool]:
    """Host, port and whether TLS is spoken there; no host for none, or a bad one."""
    if parts is None or (url and (parts.scheme not in PORTS or not parts.hostname)):
        _refuse(config, URL, "is no broker", "Use mqtt://host:1883 or mqtts://host.")
        return "", 0, False
    port = parts.port or PORTS.get(parts.scheme, 0)
    return parts.hostname or "", port, parts.scheme == "mqtts"


def _topic(config: Config) -> str:
    name = "CAUSELINE_MQTT_TOPIC"
    topic = config.text(name, "causeline").strip("/")
    if TOPIC.fullmatch(topic):
        return topic
    hint = "Use words with / between them, without +, # and a leading $."
    _refuse(config, name, f"{topic!r} cannot begin a topic", hint)
    return "causeline"


def _file(config: Config, name: str) -> Path | None:
    """The file that `name` names; one that cannot be read is told of."""
    given = config.text(name)
    if not given:
        return None
    path = Path(given)
    try:
        path.open("rb").close()
    except OSError as error:
        _refuse(config, name, str(error), "Name a readable PEM file.")
    return path


def _refuse(config: Config, name: str, problem: str, hint: str) -> None:
    """Remember a value that cannot be used; the value may hold a password."""
    config.bad.append(BadSetting(name, problem, hint))

"""Where the broker is, as the environment says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from traceability.lib.config import Config
from traceability.lib.mqtt_address import MqttAddress, mqtt_from_environment


def read(
    monkeypatch: pytest.MonkeyPatch, **given: str
) -> tuple[MqttAddress | None, list[str]]:
    """The address, and the names that were refused."""
    for name, value in given.items():
        monkeypatch.setenv(f"CAUSELINE_MQTT_{name}", value)
    config = Config()
    return mqtt_from_environment(config), [bad.name for bad in config.bad]


def test_without_an_address_there_is_no_mqtt(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, TOPIC="plant") == (None, [])


def test_the_scheme_says_port_and_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, _ = read(monkeypatch, URL="mqtt://broker")
    assert plain == MqttAddress("broker", 1883, tls=False)
    secure, _ = read(monkeypatch, URL="mqtts://us:p%40ss@broker:9999")
    assert secure == MqttAddress("broker", 9999, True, user="us", password="p@ss")


def test_secrets_come_from_files_and_are_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("user", "password"):
        (tmp_path / name).write_text(f"the {name}\n")
        monkeypatch.setenv(f"CAUSELINE_MQTT_{name.upper()}_FILE", f"{tmp_path}/{name}")
    address, bad = read(monkeypatch, URL="mqtts://broker")
    assert address is not None
    assert (address.user, address.password, bad) == ("the user", "the password", [])
    assert "the password" not in repr(address)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"URL": "http://broker"}, "URL"),
        ({"URL": "mqtt://"}, "URL"),
        ({"URL": "mqtt://broker:port"}, "URL"),
        ({"URL": "mqtt://broker", "TOPIC": "a/#"}, "TOPIC"),
        ({"URL": "mqtt://broker", "TOPIC": "$SYS"}, "TOPIC"),
        ({"URL": "mqtt://broker", "VERSION": "4"}, "VERSION"),
        ({"URL": "mqtts://broker", "CA_FILE": "/no/such/file"}, "CA_FILE"),
        ({"URL": "mqtts://broker", "PASSWORD_FILE": "/no/file"}, "PASSWORD_FILE"),
    ],
)
def test_what_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str
) -> None:
    _, bad = read(monkeypatch, **given)
    assert bad == [f"CAUSELINE_MQTT_{named}"]

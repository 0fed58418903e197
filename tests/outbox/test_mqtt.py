"""Messages over a real Mosquitto: in order, none missing, whatever happens to it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from tests.outbox.listener import Listener, without_repeats
from tests.services import Broker, mosquitto, program
from traceability.lib.mqtt_address import MqttAddress
from traceability.outbox import links, publisher
from traceability.outbox.models import Link, Publication, Retain
from traceability.outbox.publications import publish, topic_of
from traceability.outbox.publisher import Publisher

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.service,
    # The library leaves the socket of a failed TLS handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket"),
]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with mosquitto(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "LONGEST_PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(publisher, "BEAT_SECONDS", 0.2)


@contextmanager
def publishing(address: MqttAddress, settings: Settings) -> Iterator[None]:
    """A publisher in a thread, with a database connection of its own."""
    settings.MQTT = address
    stop = threading.Event()

    def run() -> None:
        Publisher(address, "test", stop).run()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def at(broker: Broker, **about: object) -> MqttAddress:
    return replace(MqttAddress("127.0.0.1", broker.port, tls=False), **about)


def say(station: str, count: int = 1, **about: object) -> None:
    for _ in range(count):
        topic = topic_of("S", "L", station, "inspection")
        publish(f"station:{station}", topic, {"station": station, **about})


def eventually(true: Callable[[], object], timeout: float = 20) -> None:
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_each_station_is_heard_in_its_order(
    broker: Broker, settings: Settings, version: str
) -> None:
    for _ in range(20):
        say("A", 2)
        say("B")
    with (
        Listener(broker.port) as line,
        publishing(at(broker, version=version), settings),
    ):
        line.until(lambda: len(line.heard) >= 61)
    assert line.numbers() == {
        "causeline/S/L/A/inspection": list(range(1, 41)),
        "causeline/S/L/B/inspection": list(range(1, 21)),
    }
    assert not Publication.objects.exists()
    assert Link.objects.get().sent == 60


def test_what_a_broker_misses_it_hears_when_it_is_back(
    broker: Broker, settings: Settings
) -> None:
    with Listener(broker.port) as line, publishing(at(broker), settings):
        for outage in (True, False):
            for _ in range(40):
                say("A")
                say("B")
                time.sleep(0.02)
            if outage:
                broker.stop()
                say("A", 60)
                eventually(lambda: not links.health().up)
                assert links.health().error
                assert links.health().waiting >= 60
                broker.start()
        eventually(lambda: not Publication.objects.exists())
        line.until(lambda: len(line.numbers()["causeline/S/L/A/inspection"]) >= 140)
    numbers = {k: without_repeats(v) for k, v in line.numbers().items()}
    assert numbers == {
        "causeline/S/L/A/inspection": list(range(1, 141)),
        "causeline/S/L/B/inspection": list(range(1, 81)),
    }


def test_a_broker_that_hangs_is_left_and_nothing_is_lost(
    broker: Broker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traceability.outbox.pump.ANSWER_SECONDS", 1.0)
    assert broker.process is not None
    with Listener(broker.port) as line, publishing(at(broker), settings):
        eventually(lambda: links.health().up)
        os.kill(broker.process.pid, signal.SIGSTOP)
        say("A", 5)
        try:
            eventually(lambda: not links.health().up)
        finally:
            os.kill(broker.process.pid, signal.SIGCONT)
        eventually(lambda: not Publication.objects.exists())
        line.until(lambda: 5 in line.numbers().get("causeline/S/L/A/inspection", []))
    assert without_repeats(line.numbers()["causeline/S/L/A/inspection"]) == [
        1,
        2,
        3,
        4,
        5,
    ]


def test_a_state_is_retained_until_it_is_over(
    broker: Broker, settings: Settings
) -> None:
    topic = topic_of("S", "L", None, "alert", "1")
    with publishing(at(broker), settings):
        publish("line:L:alert", topic, {"state": "open"}, Retain.THIS)
        eventually(lambda: not Publication.objects.exists())
        with Listener(broker.port, "causeline/+/+/+/alert/#") as late:
            late.until(lambda: late.heard)
            assert late.heard[0].said["state"] == "open"
            assert late.heard[0].retained
            publish("line:L:alert", topic, {"state": "closed"}, Retain.NO_MORE)
            late.until(lambda: len(late.heard) == 3)
            assert late.heard[1].said["state"] == "closed"
            assert late.heard[2].payload == b""
        with Listener(broker.port, "causeline/+/+/+/alert/#") as later:
            time.sleep(0.5)
            assert later.heard == []


def test_a_broker_that_has_forgotten_is_told_again(
    broker: Broker, settings: Settings
) -> None:
    topic = topic_of("S", "L", None, "alert", "1")
    with publishing(at(broker), settings):
        publish("line:L:alert", topic, {"state": "open"}, Retain.THIS)
        eventually(lambda: not Publication.objects.exists())
        broker.stop()
        (broker.folder / "mosquitto.db").unlink()
        broker.start()
        with Listener(broker.port, "causeline/+/+/+/alert/#") as line:
            line.until(lambda: line.heard)
    assert line.heard[0].said == {"schema": 1, "sequence": 1, "state": "open"}


def test_the_line_can_see_whether_we_are_there(
    broker: Broker, settings: Settings
) -> None:
    with Listener(broker.port, "causeline/status") as line:
        with publishing(at(broker), settings):
            line.until(lambda: line.heard)
        line.until(lambda: len(line.heard) == 2)
    assert [one.said["online"] for one in line.heard] == [True, False]
    with Listener(broker.port, "causeline/status") as late:
        late.until(lambda: late.heard)
    assert not late.heard[0].said["online"]


def test_what_the_broker_forbids_is_kept_and_holds_up_nobody_else(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traceability.outbox.resting.FIRST_SECONDS", 1)
    rights = tmp_path / "rights"
    rights.write_text("topic readwrite causeline/status\ntopic readwrite +/S/L/B/#\n")
    options = f"allow_anonymous true\nacl_file {rights}\n"
    say("A", 2)
    say("B", 2)
    with mosquitto(tmp_path, options) as broker, publishing(at(broker), settings):
        eventually(lambda: Publication.objects.count() == 2)
        eventually(lambda: "Not authorized" in links.health().error)
        assert "causeline/S/L/A/inspection" in links.health().error
        rights.write_text("topic readwrite #\n")
        assert broker.process is not None
        broker.process.send_signal(signal.SIGHUP)
        eventually(lambda: not Publication.objects.exists())
        eventually(lambda: links.health().error == "")


def test_one_publishes_at_a_time(broker: Broker, settings: Settings) -> None:
    assert links.hold(links.MQTT, "somebody else")
    say("A")
    with publishing(at(broker), settings):
        time.sleep(1)
        assert Publication.objects.count() == 1
        links.release(links.MQTT, "somebody else")
        eventually(lambda: not Publication.objects.exists())


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Broker]:
    """A broker that speaks TLS only and asks for a password."""
    openssl, passwd = program("openssl"), program("mosquitto_passwd")
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        + ["ec_paramgen_curve:prime256v1", "-nodes", *subject]
        + ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")],
        check=True,
        capture_output=True,
    )
    words = tmp_path / "words"
    subprocess.run([passwd, "-b", "-c", str(words), "us", "secret"], check=True)
    options = (
        f"certfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem\n"
        f"allow_anonymous false\npassword_file {words}\n"
    )
    with mosquitto(tmp_path, options) as running:
        yield running


def test_over_tls_with_a_password(guarded: Broker, settings: Settings) -> None:
    say("A")
    address = at(
        guarded,
        tls=True,
        user="us",
        password="secret",
        authority=guarded.folder / "cert.pem",
    )
    with publishing(address, settings):
        eventually(lambda: not Publication.objects.exists())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": "guessed"}, "refuses us: Not authorized"),
        ({"authority": None}, "certificate verify failed"),
        ({"tls": False}, "broke"),
    ],
)
def test_a_connection_that_is_not_as_agreed_is_refused_and_told(
    guarded: Broker, settings: Settings, wrong: dict[str, object], said: str
) -> None:
    right = {"tls": True, "user": "us", "password": "secret"}
    address = at(guarded, **right, authority=guarded.folder / "cert.pem")
    say("A")
    with publishing(replace(address, **wrong), settings):
        eventually(lambda: said in links.health().error)
    assert Publication.objects.count() == 1

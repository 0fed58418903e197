"""What should not be in a folder, or not at the address: nothing is lost of it, and the
other photos go on."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.api.cameras import photo
from tests.watching.test_watch_folder import files
from traceability.ingest.watching import lookout, reading
from traceability.ingest.watching import watcher as watching
from traceability.ingest.watching.lookout import Lookout
from traceability.ingest.watching.plan import After, Candidate, Photo, Plan
from traceability.ingest.watching.reading import read
from traceability.ingest.watching.sending import NotNow, Sender
from traceability.ingest.watching.watcher import Tally
from traceability.inspection.models import Image

Watch = Callable[..., Tally]

SENT = Photo(photo(), "SN-1", "AOI-1", datetime(2026, 3, 11, tzinfo=UTC), "folder:1")


class Elsewhere(BaseHTTPRequestHandler):
    """Some other server: whatever is asked, it has a friendly answer."""

    status = 200
    body = b"<h1>It works!</h1>"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.status)

    def do_GET(self) -> None:
        self._answer(200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status >= 300:
            self.send_header("Location", "/sign-in/")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def elsewhere() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_who_redirects_does_not_have_the_photo(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """As the server itself does where plain HTTP is sent to HTTPS."""
    monkeypatch.setattr(Elsewhere, "status", status)
    with elsewhere() as url, pytest.raises(NotNow, match=f"{status}.*/sign-in/"):
        Sender(url, "a.b").send(SENT)


@pytest.mark.parametrize(
    "body",
    [b"<h1>It works!</h1>", b'{"results": []}', b'{"external_id": "folder:2"}', b"[]"],
)
@pytest.mark.parametrize("status", [200, 201])
def test_who_does_not_name_the_photo_does_not_have_it(
    monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setattr(Elsewhere, "status", status)
    monkeypatch.setattr(Elsewhere, "body", body)
    with elsewhere() as url, pytest.raises(NotNow, match="--url"):
        Sender(url, "a.b").send(SENT)


GARBLED = "电路".encode("gbk")
"""As a share has it that is mounted with another character set."""


@pytest.mark.django_db(transaction=True)
def test_a_name_that_is_not_utf8_stops_nobody(watch: Watch, folder: Path) -> None:
    inside = os.fsencode(folder)
    for name in (GARBLED + b"_1.jpg", b"SN-1_" + GARBLED + b".jpg", b"SN-2.jpg"):
        Path(os.fsdecode(inside + b"/" + name)).write_bytes(photo(seed=len(name)))
    assert watch() == Tally(sent=2, rejected=1)
    assert set(Image.objects.values_list("unit__serial", flat=True)) == {"SN-1", "SN-2"}
    (reason,) = (folder / "rejected").glob("*.reason.json")
    said = json.loads(reason.read_bytes())
    assert said["code"] == "name_not_utf8"
    assert os.fsencode(reason.name) == GARBLED + b"_1.jpg.reason.json"


@pytest.mark.django_db(transaction=True)
def test_a_name_that_is_not_utf8_is_remembered(watch: Watch, folder: Path) -> None:
    name = os.fsdecode(b"SN-1_" + GARBLED + b".jpg")
    (folder / name).write_bytes(photo())
    assert watch(after=After.KEEP) == Tally(sent=1)
    assert watch(after=After.KEEP) == Tally(), "its journal knows it"


def test_a_link_that_leads_nowhere_hides_no_photo(folder: Path) -> None:
    (folder / "round.jpg").symlink_to("round.jpg")
    (folder / "gone.jpg").symlink_to("nothing")
    (folder / "SN-1.jpg").write_bytes(photo())
    eyes = Lookout(Plan(folder, "AOI-1", settle_seconds=0), lambda found: False)
    assert [found.path.name for found in eyes.look()] == ["SN-1.jpg"]


@pytest.mark.django_db(transaction=True)
def test_a_clock_that_stands_still_overwrites_nothing(
    watch: Watch, folder: Path
) -> None:
    for seed in range(4):
        path = folder / "latest.jpg"
        path.write_bytes(photo(seed=seed))
        os.utime(path, (315_532_800, 315_532_800))
        assert watch() == Tally(sent=1)
    assert len(files(folder)) == Image.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_time_that_is_none_stops_nobody(
    watch: Watch, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every file system can hold one, so it is only said to be there."""
    walk = lookout._walk

    def strange(*args: Any, **about: Any) -> Iterator[Candidate]:
        for one in walk(*args, **about):
            far = 3 * 10**20 if one.path.name == "A.jpg" else one.modified_ns
            yield replace(one, modified_ns=far)

    monkeypatch.setattr(lookout, "_walk", strange)
    monkeypatch.setattr(reading, "_bytes", lambda one: one.path.read_bytes())
    for n, name in enumerate(("A.jpg", "B.jpg")):
        (folder / name).write_bytes(photo(seed=n))
    assert watch() == Tally(sent=1, rejected=1)
    reason = json.loads((folder / "rejected/A.jpg.reason.json").read_text())
    assert reason["code"] == "no_time"


@pytest.mark.django_db(transaction=True)
def test_what_nobody_thought_of_stops_nobody(
    watch: Watch, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def stumbling(candidate: Candidate, plan: Plan) -> Photo:
        tried.append(candidate.path.name)
        if tried == ["A.jpg"]:
            raise ZeroDivisionError
        return read(candidate, plan)

    monkeypatch.setattr(watching, "read", stumbling)
    monkeypatch.setattr(watching, "REST_SECONDS", 0.2)
    for n, name in enumerate(("A.jpg", "B.jpg", "C.jpg")):
        (folder / name).write_bytes(photo(seed=n))
        os.utime(folder / name, (1_700_000_000 + n, 1_700_000_000 + n))
    assert watch() == Tally(sent=3)

"""Files become inspections: each once, none lost, bad ones with their reason."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from PIL import ExifTags
from PIL import Image as Pillow
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.api.cameras import photo
from tests.services import free_port
from traceability.ingest.watching import watcher as watching
from traceability.ingest.watching.lookout import Lookout
from traceability.ingest.watching.plan import After, Plan
from traceability.ingest.watching.watcher import Tally
from traceability.inspection.models import Image

pytestmark = pytest.mark.django_db(transaction=True)

Watch = Callable[..., Tally]


def files(folder: Path) -> set[str]:
    found = folder.rglob("*")
    return {str(path.relative_to(folder)) for path in found if path.is_file()}


def with_exif(taken: str, offset: str | None = None) -> bytes:
    out = io.BytesIO()
    image = Pillow.open(io.BytesIO(photo()))
    exif = image.getexif()
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    detail[ExifTags.Base.DateTimeOriginal] = taken
    if offset:
        detail[ExifTags.Base.OffsetTimeOriginal] = offset
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def test_a_photo_becomes_an_inspection_and_is_put_aside(
    watch: Watch, folder: Path
) -> None:
    data = photo()
    (folder / "SN-7_top_001.JPG").write_bytes(data)
    (folder / "notes.txt").write_text("not ours")
    os.utime(folder / "SN-7_top_001.JPG", (1_700_000_000, 1_700_000_000))
    assert watch() == Tally(sent=1)
    image = Image.objects.get()
    assert (image.unit.serial, image.station.code) == ("SN-7", "AOI-1")
    assert image.captured_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert (django_settings.MEDIA_ROOT / image.file).read_bytes() == data
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    assert files(folder) == {f"done/{day}/SN-7_top_001.JPG", "notes.txt"}


@pytest.mark.parametrize(
    ("taken", "offset", "expected"),
    [
        ("2026:03:11 08:15:00", None, "2026-03-11T00:15:00+00:00"),
        ("2026:03:11 08:15:00", "-05:00", "2026-03-11T13:15:00+00:00"),
        ("0000:00:00 00:00:00", None, "2023-11-14T22:13:20+00:00"),
    ],
)
def test_the_cameras_own_clock_comes_first(
    watch: Watch, folder: Path, taken: str, offset: str | None, expected: str
) -> None:
    (folder / "SN-1.jpg").write_bytes(with_exif(taken, offset))
    os.utime(folder / "SN-1.jpg", (1_700_000_000, 1_700_000_000))
    watch(zone=ZoneInfo("Asia/Shanghai"))
    assert Image.objects.get().captured_at.isoformat() == expected


def test_folders_may_be_named_like_their_stations(watch: Watch, folder: Path) -> None:
    for place in ("AOI-1", "AOI-2/2026-03-11"):
        (folder / place).mkdir(parents=True)
        (folder / place / "SN-1.jpg").write_bytes(photo())
    (folder / "SN-2.jpg").write_bytes(photo())
    assert watch(station=None) == Tally(sent=2, rejected=1)
    stations = Image.objects.values_list("station__code", flat=True)
    assert sorted(stations) == ["AOI-1", "AOI-2"]
    reason = json.loads((folder / "rejected/SN-2.jpg.reason.json").read_text())
    assert reason["code"] == "no_station"


def test_the_pattern_says_what_is_the_serial_number(watch: Watch, folder: Path) -> None:
    (folder / "20260311-AOI-2-SN_9.jpg").write_bytes(photo())
    (folder / "nonsense.jpg").write_bytes(photo())
    pattern = re.compile(r"\d{8}-(?P<station>AOI-\d)-(?P<serial>.+)")
    assert watch(pattern=pattern) == Tally(sent=1, rejected=1)
    image = Image.objects.get()
    assert (image.unit.serial, image.station.code) == ("SN_9", "AOI-2")
    reason = json.loads((folder / "rejected/nonsense.jpg.reason.json").read_text())
    assert (reason["file"], reason["code"]) == ("nonsense.jpg", "no_serial")
    assert (folder / "rejected/nonsense.jpg").read_bytes() == photo()


def test_a_bad_photo_is_rejected_with_the_servers_words(
    watch: Watch, folder: Path, settings: Settings
) -> None:
    settings.MAX_IMAGE_BYTES = 100_000
    (folder / "A.jpg").write_bytes(photo()[:-300])
    (folder / "B.jpg").write_bytes(photo() + bytes(200_000))
    (folder / "C.jpg").write_bytes(photo())
    assert watch() == Tally(sent=1, rejected=2)
    found = {
        name: json.loads((folder / f"rejected/{name}.reason.json").read_text())
        for name in ("A.jpg", "B.jpg")
    }
    assert found["A.jpg"]["code"] == "image_unreadable"
    assert "damaged or incomplete" in found["A.jpg"]["message"]
    assert found["B.jpg"]["code"] == "image_too_large"


def test_a_bad_photo_gets_its_time_to_become_a_good_one(
    watch: Watch, folder: Path
) -> None:
    """A copy may stand still for a while with its final size, and be half zeros."""
    path = folder / "A.jpg"
    path.write_bytes(photo()[:-300] + bytes(300))
    threading.Timer(1.0, lambda: path.write_bytes(photo())).start()
    assert watch(patience_seconds=6.0) == Tally(sent=1)


def test_a_file_that_grows_is_left_alone_until_it_stops(folder: Path) -> None:
    lookout = Lookout(Plan(folder, "AOI-1", settle_seconds=0.3), lambda found: False)
    data, path = photo(200, 200), folder / "SN-1.jpg"
    path.touch()
    with path.open("ab") as file:
        for start in range(0, len(data), len(data) // 4):
            assert lookout.look() == []
            file.write(data[start : start + len(data) // 4])
            file.flush()
            time.sleep(0.15)
    assert lookout.look() == []
    time.sleep(0.35)
    assert [found.path for found in lookout.look()] == [path]


def test_the_same_file_is_one_inspection_and_a_new_one_another(
    watch: Watch, folder: Path
) -> None:
    path = folder / "SN-1.jpg"
    path.write_bytes(photo())
    assert watch(after=After.KEEP) == Tally(sent=1)
    assert watch(after=After.KEEP) == Tally(), "its journal knows it"
    (folder.parent / "journal.sqlite3").unlink()
    assert watch(after=After.KEEP) == Tally(known=1), "the server knows it"
    path.write_bytes(photo(seed=2))
    assert watch(after=After.DELETE) == Tally(sent=1)
    assert files(folder) == set()
    assert Image.objects.count() == 2


def test_a_name_that_comes_again_overwrites_nothing(watch: Watch, folder: Path) -> None:
    for seed in range(3):
        (folder / "latest.jpg").write_bytes(photo(seed=seed))
        watch()
    assert len(files(folder)) == Image.objects.count() == 3


def test_photos_of_an_unknown_station_wait_and_the_others_go_on(
    watch: Watch, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "REST_SECONDS", 0.2)
    for station in ("AOI-9", "AOI-2"):
        (folder / station).mkdir()
        (folder / station / "SN-1.jpg").write_bytes(photo())
    told = threading.Timer(1.5, lambda: (folder / "AOI-9").rename(folder / "AOI-1"))
    told.start()
    assert watch(station=None) == Tally(sent=2)


class Broken(BaseHTTPRequestHandler):
    """A server that has no room, or a proxy that has lost its server."""

    answers: list[int] = []
    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        form = self.rfile.read(int(self.headers["Content-Length"]))
        known = re.search(rb"folder:[0-9a-f]+", form)
        full = {"code": "no_space", "message": "Full.", "hint": "", "fields": {}}
        said = {507: full, 201: {"external_id": known and known[0].decode()}}
        status = self.answers.pop(0) if self.answers else 201
        body = b"<h1>Bad Gateway</h1>"
        if status in said:
            body = json.dumps(said[status]).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_in_trouble_is_asked_by_one_photo_at_a_time(
    watch: Watch, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LONGEST_PAUSE_SECONDS", 0.05)
    for n in range(6):
        (folder / f"SN-{n}.jpg").write_bytes(photo(seed=n))
    Broken.answers, Broken.asked = [502, 507, 502, 507, 401], 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever).start()
        tally = watch(url=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert tally == Tally(sent=6)
    assert Broken.asked == 6 + 5


def test_without_a_server_everything_stays_in_the_folder(
    watch: Watch, folder: Path, live_server: LiveServer, key: str
) -> None:
    (folder / "SN-1.jpg").write_bytes(photo())
    process = command(folder, key, f"http://127.0.0.1:{free_port()}")
    time.sleep(4)
    process.terminate()
    assert process.wait(20) == 0
    assert files(folder) == {"SN-1.jpg"}
    assert watch() == Tally(sent=1)


def command(folder: Path, key: str, url: str, *words: str) -> subprocess.Popen[bytes]:
    (folder.parent / "key").write_text(f"{key}\n")
    arguments = ["--station", "AOI-1", "--settle", "0.1", "--url", url]
    return subprocess.Popen(
        [sys.executable, "manage.py", "watch_folder", str(folder), *arguments]
        + ["--key-file", str(folder.parent / "key"), *words],
        cwd=django_settings.BASE_DIR,
        env=os.environ | {"CAUSELINE_DATA": str(folder.parent / "data")},
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_a_watcher_that_is_killed_loses_and_doubles_nothing(
    folder: Path, key: str, live_server: LiveServer
) -> None:
    for n in range(120):
        (folder / f"SN-{n}.jpg").write_bytes(photo(seed=n))
    for _ in range(4):
        process = command(folder, key, live_server.url)
        before = Image.objects.count()
        end = time.monotonic() + 20
        while Image.objects.count() < before + 15 and time.monotonic() < end:
            time.sleep(0.01)
        process.kill()
        process.wait()
    assert command(folder, key, live_server.url, "--once").wait(60) == 0
    assert Image.objects.count() == 120
    assert Image.objects.values("sha256").distinct().count() == 120
    assert len(files(folder / "done")) == 120


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--station", "A", "--pattern", "("], "--pattern"),
        (["--station", "A", "--pattern", ".*"], "no group 'serial'"),
        (["--station", "A", "--time-zone", "Mars"], "no 'Mars'"),
        (["--station", "A", "--url", "ftp://x"], "no address"),
        (["--station", "A", "--key-file", "/no/such"], "--key-file"),
        (["--station", "A", "--settle", "nan"], "--settle: 'nan' is not a number"),
        (["--station", "A", "--settle", "-1"], "--settle"),
        (["--station", "A", "--patience", "inf"], "--patience"),
        (["--station", "A", "--patience", "soon"], "--patience: 'soon'"),
    ],
)
def test_what_cannot_be_meant_is_said(
    folder: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "key").write_text("a.b")
    with pytest.raises(CommandError, match=said):
        call_command(
            "watch_folder", str(folder), "--key-file", str(tmp_path / "key"), *words
        )

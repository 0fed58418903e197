"""Mistakes in the environment are named, all at once, with a hint."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest
from django.conf import settings


def run(tmp_path, *arguments, **environment):
    inherited = {k: v for k, v in os.environ.items() if k != "CAUSELINE_DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**inherited, "CAUSELINE_DATA": str(tmp_path / "data"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_needs_to_be_set(tmp_path):
    done = run(tmp_path, "check", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr


def test_every_mistake_is_named_at_once(tmp_path):
    wrong = {
        "CAUSELINE_DEBUG": "perhaps",
        "CAUSELINE_WEB_THREADS": "1",
        "CAUSELINE_CARD_PROCESSES": "3",
        "CAUSELINE_DATABASE_URL": "oracle://host/db",
        "CAUSELINE_SMTP_URL": "mail.example.com",
        "CAUSELINE_TIME_ZONE": "Mars/Olympus",
        "CAUSELINE_LANGUAGE": "tlh",
        "CAUSELINE_SECRET_KEY_FILE": "/does/not/exist",
        "CAUSELINE_BACKEND": "abacus",
        "CAUSELINE_PRECISION": "f7",
        "CAUSELINE_INFERENCE_THREADS": "100000",
        "CAUSELINE_URL": "not an address",
        "CAUSELINE_WEB_THREDS": "8",
    }
    done = run(tmp_path, "check", **wrong)
    assert done.returncode == 1
    for name in wrong:
        assert name in done.stderr
    assert done.stderr.count("HINT") >= len(wrong)


def test_addresses_that_are_none_are_named_without_their_passwords(tmp_path):
    (tmp_path / "random").write_bytes(b"\xd0\xff\x00")
    wrong = {
        "CAUSELINE_DATABASE_URL": "postgresql://u:hush#w@host/db",
        "CAUSELINE_SMTP_URL": "smtp://u:hush@host:mail",
        "CAUSELINE_MQTT_URL": "mqtt://[u:hush@host",
        "CAUSELINE_REDIS_URL": "u:hush@host:6379",
        "CAUSELINE_SECRET_KEY_FILE": str(tmp_path / "random"),
        "CAUSELINE_URL": "http://[::1",
    }
    done = run(tmp_path, "check", **wrong)
    assert done.returncode == 1
    for name in wrong:
        assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert "hush" not in done.stderr


@pytest.mark.parametrize("port", ["abc", "99999", "-1"])
def test_an_address_with_a_port_that_is_none_is_refused(monkeypatch, tmp_path, port):
    from traceability.lib.config import Config
    from traceability.lib.urls import database_from_url, mail_from_url

    monkeypatch.setenv("X", f"postgresql://u:p@host:{port}/d")
    config = Config()
    database_from_url(config, "X", tmp_path / "db.sqlite3")
    monkeypatch.setenv("X", f"smtp://host:{port}")
    mail_from_url(config, "X")
    assert [bad.name for bad in config.bad] == ["X", "X"]


def test_a_data_folder_that_cannot_be_is_one_sentence(tmp_path):
    (tmp_path / "data").write_text("a file is in the way")
    done = run(tmp_path, "check")
    assert done.returncode == 1
    assert "CAUSELINE_DATA" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_is_made_once_and_kept_private(tmp_path):
    print_key = ["shell", "-v", "0", "-c"]
    code = "from django.conf import settings; print(settings.SECRET_KEY)"
    first = run(tmp_path, *print_key, code).stdout.strip()
    second = run(tmp_path, *print_key, code).stdout.strip()
    assert first == second
    assert len(first) > 40
    path = tmp_path / "data" / "keys" / "causeline_secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail:2525", ("mail", 2525, False, False)),
        ("smtps://u:p@mail", ("mail", 465, True, False)),
        ("smtp+tls://u:p%40@mail", ("mail", 587, False, True)),
    ],
)
def test_mail_addresses(monkeypatch, url, expected):
    from traceability.lib.config import Config
    from traceability.lib.urls import mail_from_url

    monkeypatch.setenv("X", url)
    mail = mail_from_url(Config(), "X")
    assert expected == tuple(
        mail[f"EMAIL_{name}"] for name in ("HOST", "PORT", "USE_SSL", "USE_TLS")
    )


def test_the_database_s_password_may_be_a_file(monkeypatch, tmp_path):
    from traceability.lib.config import Config
    from traceability.lib.urls import database_from_url

    (tmp_path / "password").write_text("p@ss\n")
    monkeypatch.setenv("X", "postgresql://causeline:other@db:5432/causeline")
    monkeypatch.setenv("CAUSELINE_DATABASE_PASSWORD_FILE", str(tmp_path / "password"))
    database = database_from_url(Config(), "X", tmp_path / "db.sqlite3")
    assert (database["USER"], database["PASSWORD"]) == ("causeline", "p@ss")
    monkeypatch.delenv("CAUSELINE_DATABASE_PASSWORD_FILE")
    database = database_from_url(Config(), "X", tmp_path / "db.sqlite3")
    assert database["PASSWORD"] == "other"


def test_an_address_with_a_password_may_be_a_file(monkeypatch, tmp_path):
    from traceability.lib.config import Config
    from traceability.lib.urls import mail_from_url

    (tmp_path / "mail").write_text("smtps://user:secret@mail\n")
    monkeypatch.setenv("X_FILE", str(tmp_path / "mail"))
    assert mail_from_url(Config(), "X")["EMAIL_HOST_PASSWORD"] == "secret"


def test_collected_files_are_served_from_where_they_were_collected(tmp_path):
    code = "from django.conf import settings as s; print(s.WHITENOISE_USE_FINDERS)"
    print_it = ["shell", "-v", "0", "-c", f"{code}; print(s.STATIC_ROOT)"]
    collected = str(tmp_path / "collected")
    done = run(tmp_path, *print_it, CAUSELINE_STATIC=collected)
    assert done.stdout.split() == ["False", collected], done.stderr
    done = run(tmp_path, *print_it)
    assert done.stdout.split() == ["True", str(tmp_path / "data" / "static")]


def test_a_site_and_keys_from_the_shell(tmp_path):
    assert run(tmp_path, "migrate", "-v", "0").returncode == 0
    made = run(tmp_path, "create_site", "SZ1", "--time-zone", "Asia/Shanghai")
    assert "password" in made.stdout, made.stderr
    key = run(tmp_path, "create_key", "SZ1", "mes", "--scope", "ingest")
    prefix, _, secret = key.stdout.strip().partition(".")
    assert len(prefix) == 8
    assert len(secret) > 40
    wrong = run(tmp_path, "create_site", "SZ2", "--time-zone", "Asia/Shangai")
    assert wrong.returncode == 1
    assert "Did you mean Asia/Shanghai?" in wrong.stderr
    assert "ready" not in wrong.stdout
    again = run(tmp_path, "create_site", "SZ1")
    assert again.returncode == 1
    assert "already" in again.stderr
    wrong = run(tmp_path, "create_key", "NOPE", "mes", "--scope", "ingest")
    assert "there are: SZ1" in wrong.stderr


@pytest.mark.parametrize(
    ("cores", "processes", "threads"),
    [(1, 1, 16), (2, 1, 16), (4, 2, 16), (8, 4, 16), (16, 8, 8), (96, 8, 8)],
)
def test_the_web_grows_with_the_cores_and_not_beyond_a_plain_postgresql(
    cores, processes, threads
):
    from traceability.lib.sizes import web_processes, web_threads

    assert web_processes(cores) == processes
    assert web_threads(processes) == threads
    assert processes * threads <= 64
    assert web_threads(64) == 8

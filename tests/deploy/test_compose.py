"""The compose file says only what exists: names, ports, folders, programs, times.

`compose-spec.json` is the Compose Specification's own schema (Apache License 2.0) as
docker-compose 1.29.2 had it; `name` came later.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.conf import settings
from django.core.management import get_commands

from tests.deploy.files import (
    DEPLOY,
    compose,
    env_file,
    image_environment,
    of,
    our_services,
    seconds,
    variables,
)
from traceability.lib import embedded_redis
from traceability.lib.programs import PARTS, REPOSITORY, programs
from traceability.lib.start import PREPARE

SITE = compose()
OURS = our_services(SITE)
PROCESSES = {
    one.name: one for one in programs(Path("/data"), "127.0.0.1", 8000, PARTS, "012")
}


def started(service: dict[str, Any]) -> str:
    """The process that `traceability.lib.start` becomes there, if it is that."""
    words = service.get("command", [])
    return words[3] if "traceability.lib.start" in words else ""


def test_it_is_what_the_specification_allows() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    without_name = {key: value for key, value in SITE.items() if key != "name"}
    jsonschema.Draft7Validator(schema).validate(without_name)


def test_every_process_has_its_container() -> None:
    containers = {started(service) for service in OURS.values()} - {""}
    # Redis has a server of its own here.
    assert containers == {*PARTS, PREPARE} - {"redis"}


@pytest.mark.parametrize("name", OURS)
def test_every_container_starts_and_asks_for_something_that_exists(name: str) -> None:
    service = OURS[name]
    words = service["command"]
    if words[1] == "manage.py":
        assert words[2] in get_commands()
        return
    process = started(service)
    assert process == PREPARE or process in PROCESSES
    if process != PREPARE:
        asked = service["healthcheck"]["test"]
        assert asked[:5] == ["CMD", "python", "-m", "traceability.lib.health", process]


@pytest.mark.parametrize("name", OURS)
def test_containers_are_confined(name: str) -> None:
    service = OURS[name]
    assert service["read_only"]
    assert service["init"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service, "the image's user is not root"


@pytest.mark.parametrize("name", OURS)
def test_a_container_is_given_the_time_that_its_process_takes(name: str) -> None:
    service = OURS[name]
    assert service["stop_signal"] == "SIGTERM"
    if process := PROCESSES.get(started(service)):
        assert seconds(service["stop_grace_period"]) == process.stop_seconds


def test_all_but_what_ends_by_itself_are_restarted() -> None:
    policies = {name: service["restart"] for name, service in SITE["services"].items()}
    assert policies.pop("prepare") == "no"
    assert set(policies.values()) == {"unless-stopped"}


def test_nothing_starts_before_the_database_is_migrated() -> None:
    for name, service in OURS.items():
        needs = service["depends_on"]
        if name == "prepare":
            assert needs["postgres"]["condition"] == "service_healthy"
        elif name == "watch-folder":
            assert needs["web"]["condition"] == "service_healthy"
        else:
            condition = needs["prepare"]["condition"]
            assert condition == "service_completed_successfully"


def test_who_waits_for_health_waits_for_one_that_has_it() -> None:
    for service in SITE["services"].values():
        for name, need in service.get("depends_on", {}).items():
            if need["condition"] == "service_healthy":
                assert "healthcheck" in SITE["services"][name]


def test_volumes_secrets_and_networks_are_declared_and_used() -> None:
    used: dict[str, set[str]] = {"volumes": set(), "secrets": set(), "networks": set()}
    for service in SITE["services"].values():
        sources = [volume.partition(":")[0] for volume in service.get("volumes", [])]
        used["volumes"] |= {one for one in sources if one[0] not in "./"}
        used["secrets"] |= set(service.get("secrets", []))
        used["networks"] |= set(service["networks"])
    assert used == {kind: set(SITE[kind]) for kind in used}


def test_volumes_lie_on_folders_that_the_image_gives_to_its_user() -> None:
    data = image_environment()["CAUSELINE_DATA"]
    (made,) = [words for words in of("RUN", "image") if "install -d" in words]
    names = re.search(r"for name in ([^;]+);", made)
    assert names is not None
    folders = {f"{data}/{name}" for name in names[1].split()} | {data}
    for service in OURS.values():
        targets = {volume.split(":")[1] for volume in service["volumes"]}
        assert {one for one in targets if one.startswith("/var/")} <= folders


def test_photos_models_and_keys_are_where_the_settings_look() -> None:
    data = Path(image_environment()["CAUSELINE_DATA"])
    mounted = dict(volume.split(":")[:2] for volume in OURS["inspect"]["volumes"])
    assert Path(mounted["photos"]).relative_to(data) == Path(
        settings.MEDIA_ROOT
    ).relative_to(settings.DATA_DIR)
    assert Path(mounted["keys"]).relative_to(data) == Path(
        settings.KEYS_DIR
    ).relative_to(settings.DATA_DIR)
    assert mounted["engines"] == f"{data}/engines"


def test_who_loads_no_model_does_not_see_the_keys_that_sign_them() -> None:
    with_keys = {
        name
        for name, service in OURS.items()
        if any(volume.startswith("keys:") for volume in service["volumes"])
    }
    assert with_keys == {"prepare", "inspect", "inspect-gpu"}


def test_ports_agree() -> None:
    (published,) = OURS["web"]["ports"]
    address, _, inside = published.rpartition(":")
    assert [inside] == of("EXPOSE", "image")
    assert address.startswith("127.0.0.1:"), "TLS stands in front"
    for words in (OURS["web"]["command"], OURS["web"]["healthcheck"]["test"]):
        assert words[-2:] == ["--port", inside]
    published_at_all = [one for one in SITE["services"].values() if "ports" in one]
    assert published_at_all == [SITE["services"]["web"]]
    for name, port in {
        "postgres": "5432",
        "redis": "6379",
        "mosquitto": "1883",
    }.items():
        addresses = OURS["web"]["environment"].values()
        assert any(f"{name}:{port}" in str(one) for one in addresses)
        assert port in " ".join(SITE["services"][name]["healthcheck"]["test"])


def test_the_figures_of_workers_can_be_read_from_other_containers() -> None:
    for name in ("inspect", "inspect-gpu"):
        given = OURS[name]["environment"]
        assert OURS[name]["expose"] == [str(given["CAUSELINE_METRICS_PORT"])]
        assert given["CAUSELINE_METRICS_HOST"] == "0.0.0.0"  # noqa: S104
        assert given.items() >= OURS["web"]["environment"].items()


def test_redis_keeps_what_it_is_given_like_the_embedded_one() -> None:
    words = SITE["services"]["redis"]["command"][1:]
    given = dict(zip(words[::2], words[1::2], strict=True))
    for name, value in given.items():
        assert embedded_redis.OPTIONS[name.removeprefix("--")] == value
    assert {"--appendonly", "--maxmemory-policy"} <= given.keys()


def test_every_variable_of_the_files_is_one_of_the_settings(tmp_path: Path) -> None:
    """With all of them set, `manage.py check` finds nothing misspelt or unusable."""
    for name in SITE["secrets"]:
        (tmp_path / name).write_text("x" * 50)
    given = env_file(DEPLOY / "site.env.example")
    for service in OURS.values():
        given |= service.get("environment", {})
    given |= image_environment() | {"CAUSELINE_DATA": str(tmp_path / "data")}
    given["CAUSELINE_STATIC"] = str(tmp_path / "static")
    inside = {
        name: str(value).replace("/run/secrets", str(tmp_path))
        for name, value in given.items()
        if name.startswith("CAUSELINE_")
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **inside},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_variable_of_compose_itself_has_its_value() -> None:
    needed = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    alone = {name for name in needed if not name.startswith("CAUSELINE_")}
    offered = (DEPLOY / "site.env.example").read_text()
    assert all(name in variables() or f"# {name}=" in offered for name in alone)


def test_no_secret_is_in_a_file_that_git_or_the_image_has() -> None:
    secrets = [Path(one["file"]) for one in SITE["secrets"].values()]
    assert {path.parts[0] for path in secrets} == {"secrets"}
    ignored = (DEPLOY / ".gitignore").read_text().split()
    assert {"secrets/", "site.env"} <= set(ignored)
    for name in of("ENV") + of("ARG"):
        assert not re.search(r"(?i)password|secret|token", name)

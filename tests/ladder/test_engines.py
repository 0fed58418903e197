"""The rungs of engines that were built: what is signed decides, and the previous one
takes over.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inference_worker.engine.backends import registry
from inference_worker.ladder import opening
from tests.ladder import built
from tests.ladder.conftest import Plant

RUNGS = ("tensorrt", "tensorrt-previous", "openvino")


@pytest.fixture
def site(plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """With a data folder of its own, and nothing built in it."""
    source, plant.data = plant.data, tmp_path / "data"
    shutil.copytree(source, plant.data)
    monkeypatch.setattr(opening, "this_machine", lambda: built.HERE)
    monkeypatch.setitem(registry.BACKENDS, "tensorrt", f"{built.__name__}.Tensorrt")
    return plant


def build(site: Plant, **environment: str) -> Path:
    return built.build(site.data, **environment)


def stands_on(site: Plant) -> tuple[str, list[tuple[str, str, str]]]:
    ladder = site.ladder(*RUNGS, required=False)
    ladder.start()
    footing = ladder.situation.footing
    assert footing is not None
    failures = [(one.rung, one.reason, one.code) for one in ladder.situation.failures]
    ladder.close()
    return footing.rung, failures


def spoil(folder: Path, name: str) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(content))


def test_before_one_is_built_there_is_no_such_rung(site: Plant) -> None:
    assert stands_on(site) == ("openvino", [])


def test_the_newest_engine_is_taken(site: Plant) -> None:
    build(site)
    assert stands_on(site) == ("tensorrt", [])


def test_one_that_was_tampered_with_leaves_the_previous_one(site: Plant) -> None:
    build(site)
    spoil(build(site), "engine.plan")
    rung, failures = stands_on(site)
    assert (rung, failures) == (
        "tensorrt-previous",
        [("tensorrt", "SIG", "file_altered")],
    )


def test_without_a_previous_one_the_cpu_takes_over(site: Plant) -> None:
    spoil(build(site), "manifest.sig")
    rung, failures = stands_on(site)
    assert (rung, failures[0][:2]) == ("openvino", ("tensorrt", "SIG"))


def test_one_for_another_card_is_said_to_be(site: Plant) -> None:
    build(site, compute_capability="8.9")
    assert stands_on(site) == (
        "openvino",
        [("tensorrt", "ENV", "engine_other_gpu")],
    )


def test_a_new_engine_is_tried_apart_once(
    site: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    monkeypatch.setattr(
        "inference_worker.ladder.raising.try_apart",
        lambda rung, workshop: tried.append(rung.name),
    )
    build(site)
    stands_on(site)
    stands_on(site)
    assert tried == ["tensorrt"]
    build(site)
    stands_on(site)
    assert tried == ["tensorrt"] * 2


def test_what_is_right_again_is_climbed_to(site: Plant) -> None:
    build(site)
    folder = build(site)
    good = (folder / "engine.plan").read_bytes()
    spoil(folder, "engine.plan")
    assert stands_on(site)[0] == "tensorrt-previous"
    (folder / "engine.plan").write_bytes(good)
    site.now += 3600
    ladder = site.ladder(*RUNGS, required=False)
    ladder.start()  # photos need not wait for what failed before
    assert ladder.situation.footing.rung == "tensorrt-previous"
    ladder.take(ladder.bring_up(ladder.rungs[0]))
    assert ladder.situation.footing.rung == "tensorrt"
    assert not ladder.situation.degraded
    ladder.close()

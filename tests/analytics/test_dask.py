"""Screening on a Dask cluster: real processes, the answer of one process."""

from __future__ import annotations

import json
import os
import signal
import sys

import pandas as pd
import pytest

from analytics.__main__ import main
from analytics.bundle import read_bundle
from analytics.cluster import ClusterError
from analytics.cluster_columns import ClusterColumns, cluster_columns
from analytics.core.analyse import analyse
from analytics.core.errors import BundleError
from analytics.core.frames import Bundle
from analytics.core.population import outcome_of
from analytics.core.study import Study
from analytics.export import write_bundle
from tests.analytics.scene import line

pytestmark = pytest.mark.slow

NOBODY = "tcp://127.0.0.1:9"


def _columns_of(kind: str) -> Bundle:
    """A small line, readings as columns."""
    frames = dict(line(201, kind).frames)
    rows = frames.pop("readings")
    wide = rows.pivot_table("value", "unit", ["operation", "parameter"], observed=True)
    wide = wide.reindex(frames["units"]["unit"]).astype("f4")
    columns = {key: wide[key].to_numpy() for key in wide}
    return Bundle.of(frames, columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("bundle")
    write_bundle(_columns_of("parameter_step"), found)
    return found


@pytest.fixture(scope="module")
def near(folder):
    return analyse(read_bundle(folder)).to_json()


def test_two_workers_give_the_answer_of_one_process(
    folder, near, dask_scheduler, capsys
):
    assert near["problems"][0]["causes"][0]["kind"] == "parameter"
    assert main([str(folder), "--json", "--dask", dask_scheduler]) == 0
    assert json.loads(capsys.readouterr().out) == near


def test_the_environment_names_the_scheduler(folder, monkeypatch, capsys):
    monkeypatch.setenv("ANALYTICS_DASK_SCHEDULER", NOBODY)
    assert main([str(folder)]) == 1
    assert f"no Dask scheduler answers at '{NOBODY}'" in capsys.readouterr().err


def test_screening_moves_neither_values_nor_cells(folder, near, dask_scheduler):
    with cluster_columns(dask_scheduler, folder) as columns:
        bundle = read_bundle(folder, far=columns)
        study = Study.of(bundle)
        name = near["problems"][0]["defect_class"]
        task = study.task(outcome_of(bundle, study.population, name))
        assert task.observed_sums.shape[0] == study.space.size
        assert bundle.columns._values.cache_info().misses == 0
        assert bundle.columns._cells.cache_info().misses == 0


def test_late_readings_are_left_out_as_in_one_process(tmp_path, near, dask_scheduler):
    bundle = _columns_of("parameter_step")
    bundle.inspections.loc[::3, "inspected_at"] -= pd.Timedelta(hours=5)
    write_bundle(bundle, tmp_path)
    with cluster_columns(dask_scheduler, tmp_path) as columns:
        far = analyse(read_bundle(tmp_path, far=columns)).to_json()
    assert far == analyse(read_bundle(tmp_path)).to_json()
    assert far["result_sha256"] != near["result_sha256"]


def test_a_worker_that_is_killed_in_the_middle_is_replaced(
    folder, near, dask_scheduler, monkeypatch
):
    with cluster_columns(dask_scheduler, folder) as columns:
        workers = columns._client.run(os.getpid)
        asked: list[int] = []
        running = ClusterColumns.running

        def killing(own, *arguments):
            asked.append(1)
            if len(asked) == 2:
                os.kill(next(iter(workers.values())), signal.SIGKILL)
            return running(own, *arguments)

        monkeypatch.setattr(ClusterColumns, "running", killing)
        assert analyse(read_bundle(folder, far=columns)).to_json() == near
    assert len(asked) > 2


def test_when_all_workers_are_lost_it_says_so(folder, dask_scheduler, monkeypatch):
    with cluster_columns(dask_scheduler, folder) as columns:
        workers = columns._client.run(os.getpid)
        picked = ClusterColumns.picked

        def killing(own, *arguments):
            for worker in workers.values():
                os.kill(worker, signal.SIGKILL)
            return picked(own, *arguments)

        monkeypatch.setattr(ClusterColumns, "picked", killing)
        with pytest.raises(ClusterError, match="lost workers in the middle"):
            analyse(read_bundle(folder, far=columns))


def test_a_scheduler_without_workers_is_said(folder, empty_dask_scheduler, monkeypatch):
    monkeypatch.setattr("analytics.cluster.PATIENCE", 2.0)
    none = pytest.raises(ClusterError, match="has no workers")
    with none, cluster_columns(empty_dask_scheduler, folder):
        pass


def test_a_folder_that_workers_do_not_see_is_said(tmp_path, dask_scheduler):
    unseen = pytest.raises(ClusterError, match="does not see the folder")
    with unseen, cluster_columns(dask_scheduler, tmp_path / "absent"):
        pass


def test_a_broken_file_is_the_same_error_as_in_one_process(tmp_path, dask_scheduler):
    bundle = _columns_of("parameter_step")
    write_bundle(bundle, tmp_path)
    files = sorted((tmp_path / "readings").iterdir())
    files[0].unlink()
    short = pd.DataFrame({"value": [1.0, 2.0]})
    short.to_parquet(tmp_path / "readings" / "OP10__short.parquet")
    with pytest.raises(BundleError) as near:
        read_bundle(tmp_path)
    with (
        pytest.raises(BundleError) as far,
        cluster_columns(dask_scheduler, tmp_path) as columns,
    ):
        analyse(read_bundle(tmp_path, far=columns))
    assert str(far.value) == str(near.value)


def test_without_dask_it_says_what_to_install(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([str(folder), "--dask", NOBODY]) == 1
    assert "pip install -r requirements-dask.txt" in capsys.readouterr().err


def test_readings_in_rows_are_analysed_in_this_process(tmp_path, capsys):
    for file, frame in line(201, "age").frames.items():
        frame.to_parquet(tmp_path / f"{file}.parquet")
    assert main([str(tmp_path), "--json", "--dask", NOBODY]) == 0
    assert "all of it runs here" in capsys.readouterr().err

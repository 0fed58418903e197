"""A stored analysis is run again on what it saw, and says the same."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from analytics.runs import analyse_line
from tests.attribution.conftest import START
from traceability.accounts.models import User
from traceability.attribution import snapshots
from traceability.attribution.models import AnalysisRun
from traceability.inspection.models import Inspection
from traceability.inspection.services import give_verdict

pytestmark = pytest.mark.django_db
RUNS = 20


@pytest.fixture(autouse=True)
def since_the_photos(settings, tmp_path):
    settings.ANALYSIS_WINDOW_DAYS = (timezone.now() - START).days + 1
    settings.RUNS_ROOT = tmp_path / "runs"


def replay(*asked):
    """Lines and exit code of the command."""
    out, code = StringIO(), 0
    try:
        call_command("replay", *map(str, asked), stdout=out)
    except SystemExit as exit_:
        code = exit_.code
    return out.getvalue().splitlines(), code


def age_snapshot(run, hours):
    folder = snapshots.folder_of(run)
    at = (timezone.now() - timedelta(hours=hours)).timestamp()
    os.utime(folder, (at, at))
    return folder


def test_twenty_runs_are_reproduced_after_the_records_went_on(
    produce, line, push, transactional_db, settings
):
    user = User.objects.create_user("somebody")
    produce(0, 60)
    hashes = []
    for n in range(RUNS):
        produce(60 + 4 * n, 64 + 4 * n)
        defective = Inspection.objects.filter(defective=True).order_by("pk")[n % 5]
        give_verdict(defective, user, "false_alarm" if n % 2 else "confirmed")
        hashes.append(analyse_line(line).result_sha256)
    assert len(set(hashes)) > RUNS / 2
    late = {"unit": "U8", "operation": "ETCH", "readings": {"temp": 99}}
    push("operation-runs", [late])
    lines, code = replay("--last", RUNS)
    assert code == 0
    assert len(lines) == RUNS
    assert all("same result" in line for line in lines)
    assert_the_same_in_a_fresh_process(settings)


def assert_the_same_in_a_fresh_process(settings):
    """With one thread for the arithmetic here and two there."""
    if connection.vendor != "sqlite":
        return
    environment = {
        **os.environ,
        "CAUSELINE_DATA": str(settings.RUNS_ROOT.parent),
        "CAUSELINE_DATABASE_URL": f"sqlite://{connection.settings_dict['NAME']}",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "7",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "replay", "--last", str(RUNS)],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("same result") == RUNS


def test_another_answer_is_told_with_what_changed(produce, line):
    produce(0, 40)
    run = analyse_line(line)
    AnalysisRun.objects.filter(pk=run.pk).update(
        result_sha256="0" * 64, code_version="0.0.9+abc"
    )
    lines, code = replay(run.pk)
    assert code == 1
    assert lines[0].startswith(f"{run.pk}  DIFFERENT result: 000000000000 was stored")
    assert "code was 0.0.9+abc, is 0." in lines[0]


def test_a_changed_snapshot_is_another_input(produce, line):
    produce(0, 40)
    first, second = analyse_line(line), None
    produce(40, 44)
    second = analyse_line(line)
    folder = snapshots.folder_of(first)
    folder.rename(folder.with_name("away"))
    snapshots.folder_of(second).rename(folder)
    lines, code = replay(first.pk)
    assert code == 1
    assert "DIFFERENT input" in lines[0]


def test_a_damaged_snapshot_is_told(produce, line):
    produce(0, 40)
    run = analyse_line(line)
    (snapshots.folder_of(run) / "units.parquet").write_bytes(b"PAR1")
    lines, code = replay(run.pk)
    assert (code, "damaged" in lines[0]) == (1, True)


def test_too_little_data_is_replayed_too(line):
    analyse_line(line)
    lines, code = replay("--last", 1)
    assert code == 0, lines


@pytest.mark.parametrize("limit", [{"SNAPSHOT_DAYS": 0}, {"SNAPSHOT_BYTES": 0}])
def test_what_retention_removed_is_told(produce, line, settings, limit):
    produce(0, 40)
    run = analyse_line(line)
    folder = snapshots.folder_of(run)
    assert snapshots.sweep() == 0
    for name, value in limit.items():
        setattr(settings, name, value)
    assert snapshots.sweep() == 1
    assert not folder.exists()
    lines, code = replay(run.pk)
    assert code == 1
    assert f"retention removed what it saw on {timezone.now():%Y-%m-%d}" in lines[0]


def test_the_newest_snapshots_stay_when_there_are_too_many(line, settings):
    runs = [analyse_line(line) for _ in range(3)]
    settings.SNAPSHOT_BYTES = runs[2].snapshot_bytes + runs[1].snapshot_bytes
    assert snapshots.sweep() == 1
    kept = [bool(snapshots.folder_of(AnalysisRun.objects.get(pk=r.pk))) for r in runs]
    assert kept == [False, True, True]


def test_what_no_row_names_is_swept_after_an_hour(line):
    run, lost = analyse_line(line), analyse_line(line)
    folder = age_snapshot(lost, hours=2)
    age_snapshot(run, hours=2)
    AnalysisRun.objects.filter(pk=lost.pk).delete()
    young = folder.with_name(".new-young")
    young.mkdir()
    assert snapshots.sweep() == 1
    assert not folder.exists()
    assert young.exists()
    assert snapshots.folder_of(run).is_dir()


def test_an_analysis_is_stored_although_the_disk_is_nearly_full(line, settings):
    settings.MINIMUM_FREE_BYTES = 2**62
    run = analyse_line(line)
    assert (run.snapshot, run.state) == ("", "too_little_data")
    lines, code = replay(run.pk)
    assert (code, "was not kept" in lines[0]) == (1, True)


@pytest.mark.parametrize(
    "asked", [[], ["--last", "0"], ["0" * 32], ["0" * 32, "--last", "1"]]
)
def test_a_command_that_means_nothing_is_refused(db, asked):
    with pytest.raises(CommandError):
        call_command("replay", *asked)

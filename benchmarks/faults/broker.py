"""Redis is gone for a while: how long until a photo is inspected again when it is back?

    python -m benchmarks.faults.broker [--restarts 6] [--away 0.2 10] [--rate 10]
        [--burners 0] [--json FILE]

A site of real processes on SQLite, thrown away afterwards, with a Redis of its own on a
port, killed and ended in turn `--restarts` times for each of the `--away` seconds.
Cameras go on sending photos at `--rate`, seen by the tests' toy detector. `--burners`
processes that do nothing but compute make the machine busy.

`first` is the time from when Redis answers again to the first result of a photo that
was begun after that; `caught up` until less than a second's photos more than before the
outage were behind. `died` counts workers that were not the same process afterwards.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.faults.cameras import Cameras
from benchmarks.faults.ledger import ask, check
from benchmarks.faults.recovery import Fault, recovery
from benchmarks.latency.client import Target
from tests.factory import Factory
from tests.services import RedisServer, system_redis

WORKERS = ("inspect", "analysis", "clock")
WARM_SECONDS, CALM_SECONDS, LONGEST_SECONDS = 3.0, 3.0, 40.0
LOOK_SECONDS = 0.25
BEGUN = (
    "SELECT started_at, finished_at FROM jobs_job "
    "WHERE queue = 'inspect' AND finished_at IS NOT NULL"
)
DONE = "SELECT count(*) FROM jobs_job WHERE queue = 'inspect' AND state = 'succeeded'"


@dataclass
class Outage:
    """One of them; times are of `time.time`, seconds since Redis answered again."""

    ended_by: str
    away: float
    gone: float = 0.0
    back: float = 0.0
    over: float = 0.0
    died: tuple[str, ...] = ()
    first: float = float("inf")
    caught_up: float = float("inf")


def run(folder: Path, plan: Sequence[Outage], rate: float) -> dict[str, Any]:
    """Carry out the outages one after the other."""
    (folder / "redis").mkdir()
    with ExitStack() as stack:
        redis = stack.enter_context(system_redis(folder / "redis"))
        environment = {"CAUSELINE_REDIS_URL": redis.url}
        site = stack.enter_context(Factory(folder, environment))
        cameras = Cameras(Target(site.group.url, site.key, "CAM1"), rate)
        with cameras.running():
            time.sleep(WARM_SECONDS)
            for outage in plan:
                _endure(site, redis, cameras, outage, rate)
        with suppress(TimeoutError):  # the ledger tells what is missing
            site.wait_until_done(LONGEST_SECONDS)
        _time(site, cameras, plan, rate)
        return _report(plan, check(cameras.shots, ask(site)))


def _endure(
    site: Factory, redis: RedisServer, cameras: Cameras, one: Outage, rate: float
) -> None:
    before = {name: site.pid(name) for name in WORKERS}
    one.gone = time.time()
    redis.stop(getattr(signal, one.ended_by))
    time.sleep(one.away)
    redis.start()
    one.back = time.time()
    _calm_down(site, cameras, rate)
    one.over = time.time()
    one.died = tuple(name for name in WORKERS if site.pid(name) != before[name])


def _calm_down(site: Factory, cameras: Cameras, rate: float) -> None:
    give_up = time.monotonic() + LONGEST_SECONDS
    calm_since = time.monotonic()
    while (now := time.monotonic()) < min(give_up, calm_since + CALM_SECONDS):
        if len(cameras.shots) - int(site.query(DONE)[0][0]) > rate:
            calm_since = now
        time.sleep(LOOK_SECONDS)


def _time(site: Factory, cameras: Cameras, plan: Sequence[Outage], rate: float) -> None:
    begun = [(_seconds(start), _seconds(end)) for start, end in site.query(BEGUN)]
    records = ask(site)
    finished = [
        records[shot.key].finished_at if shot.key in records else float("inf")
        for shot in cameras.shots
    ]
    taken = [shot.due for shot in cameras.shots]
    for one in plan:
        after = [end for start, end in begun if one.back < start < one.over]
        one.first = min(after, default=float("inf")) - one.back
        fault = Fault(one.ended_by, one.gone, one.over)
        caught_up = recovery(fault, taken, finished, rate).caught_up
        one.caught_up = max(0.0, caught_up - (one.back - one.gone))


def _seconds(stored: str) -> float:
    return datetime.fromisoformat(stored).replace(tzinfo=UTC).timestamp()


def _report(plan: Sequence[Outage], ledger: dict[str, Any]) -> dict[str, Any]:
    lengths = sorted({one.away for one in plan})
    return {
        "by_away": {
            away: _summary([one for one in plan if one.away == away])
            for away in lengths
        },
        "ledger": ledger,
        "outages": [asdict(one) for one in plan],
    }


def _summary(some: Sequence[Outage]) -> dict[str, Any]:
    """Seconds as median and most."""
    return {
        "outages": len(some),
        "died": sum(len(one.died) for one in some),
        "first": _figures([one.first for one in some]),
        "caught_up": _figures([one.caught_up for one in some]),
    }


def _figures(seconds: Sequence[float]) -> list[float]:
    return [round(statistics.median(seconds), 2), round(max(seconds), 2)]


@contextmanager
def burning(count: int) -> Iterator[None]:
    """So many processes compute meanwhile."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_burn, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()


def _burn() -> None:
    for _ in itertools.count():
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--restarts", type=int, default=6, help="for each of --away")
    parser.add_argument("--away", type=float, nargs="+", default=[0.2, 10.0])
    parser.add_argument("--rate", type=float, default=10.0, help="photos a second")
    parser.add_argument("--burners", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    how = itertools.cycle(["SIGKILL", "SIGTERM"])
    plan = [
        Outage(number, away)
        for number in itertools.islice(how, options.restarts)
        for away in options.away
    ]
    with tempfile.TemporaryDirectory() as folder, burning(options.burners):
        report = run(Path(folder), plan, options.rate)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    for away, row in report["by_away"].items():
        print(f"away {away} s: {json.dumps(row)}")
    print(json.dumps(report["ledger"]))


if __name__ == "__main__":
    main()

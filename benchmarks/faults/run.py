"""Processes are killed and services restarted under load: what is lost, how long is it
felt?

    python -m benchmarks.faults.run --site embedded|postgres [--kills 50] [--redis 10]
        [--postgres 5] [--poison 3] [--others 3] [--rate 20] [--json FILE]

A whole site of real processes, SQLite with the bundled Redis or a PostgreSQL and a
Redis of its own, thrown away afterwards. Cameras send `--rate` photos a second and send
again, with the same Idempotency-Key, what was not taken in. Then, in random order and
at random instants: `inspect` is killed with -9, Redis and PostgreSQL are killed or
ended and started again, photos come that kill who looks at them, and `web`, `clock`
and `analysis` are killed in turn. At the end every photo is looked up in the database.

The detector is the tests' toy (320 x 320 pixels, one coloured square a photo, a known
answer), so that two cores have time for the rate: this measures the platform.
Exit code 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.faults.cameras import Cameras
from benchmarks.faults.ledger import ask, check
from benchmarks.faults.plant import LOOK_SECONDS, SITES, Plant, Strike, Strikes, plant
from benchmarks.faults.recovery import Fault, Recovery, recovery, summary
from benchmarks.faults.table import print_report
from benchmarks.latency.client import Target

OTHERS = ("web", "clock", "analysis")
# Between two faults: until nothing is behind, and then a random while.
CALM_SECONDS, LONGEST_SECONDS = 2.0, 40.0
PAUSE_SECONDS = (0.5, 3.0)
END_SECONDS = 90.0
BAR_SECONDS = 20.0
BAR_DEATHS = 3


@dataclass(frozen=True)
class Plan:
    """How many of each fault, photos a second, and the seed of the order."""

    site: str
    kills: int
    redis: int
    postgres: int = 0
    poison: int = 0
    others: int = 0
    rate: float = 20.0
    seed: int = 1


@dataclass
class Campaign:
    """A plan on its way through a plant."""

    plan: Plan
    plant: Plant
    cameras: Cameras
    chance: random.Random
    struck: list[tuple[str, float]] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)

    def run(self) -> float:
        """Everything, until all is written; returns when the last fault was over."""
        with self.cameras.running():
            self._calm_down()
            with suppress(KeyboardInterrupt):  # report what was done till then
                self._strike()
            over = time.time()
        with suppress(TimeoutError):  # the ledger tells what is missing
            self.plant.factory.wait_until_done(END_SECONDS)
        return over

    def _strike(self) -> None:
        for strike in self._strikes():
            time.sleep(self.chance.uniform(*PAUSE_SECONDS))
            self.loads.append(os.getloadavg()[0])
            self.struck.append((strike.kind, time.time()))
            strike.do()
            self._calm_down()

    def faults(self, over: float) -> list[Fault]:
        ends = [at for _, at in self.struck[1:]] + [over]
        return [
            Fault(kind, at, until)
            for (kind, at), until in zip(self.struck, ends, strict=True)
        ]

    def _strikes(self) -> list[Strike]:
        plan, all_ = self.plan, Strikes(self.plant, self.cameras, self.chance)
        others = itertools.islice(itertools.cycle(OTHERS), plan.others)
        strikes = [
            *[all_.kill("inspect") for _ in range(plan.kills)],
            *all_.restarts_of_redis(plan.redis),
            *all_.restarts_of_postgres(plan.postgres),
            *[all_.poison() for _ in range(plan.poison)],
            *[all_.kill(name) for name in others],
        ]
        self.chance.shuffle(strikes)
        return strikes

    def _calm_down(self) -> None:
        """Sleep until less than a second's photos are behind and stay so, if ever."""
        give_up = time.monotonic() + LONGEST_SECONDS
        calm_since = time.monotonic()
        while (now := time.monotonic()) < min(give_up, calm_since + CALM_SECONDS):
            if self._behind() > self.plan.rate:
                calm_since = now
            time.sleep(LOOK_SECONDS)

    def _behind(self) -> float:
        sql = "SELECT count(*) FROM inspection_inspection WHERE state <> 'pending'"
        try:
            ((done,),) = self.plant.factory.query(sql)
        except psycopg.OperationalError:
            return math.inf
        return len(self.cameras.shots) - int(done)


def measure(plan: Plan, folder: Path) -> dict[str, Any]:
    """Start a site in `folder`, carry out the plan, and report."""
    started = time.monotonic()
    with plant(plan.site, folder) as site:
        target = Target(site.factory.group.url, site.factory.key, "CAM1")
        cameras = Cameras(target, plan.rate)
        campaign = Campaign(plan, site, cameras, random.Random(plan.seed))
        over = campaign.run()
        records = ask(site.factory)
        finished = [
            records[shot.key].finished_at if shot.key in records else math.inf
            for shot in cameras.shots
        ]
        taken = [shot.due for shot in cameras.shots]
        found = [
            recovery(fault, taken, finished, plan.rate)
            for fault in campaign.faults(over)
        ]
        return {
            "plan": asdict(plan),
            "machine": _machine(time.monotonic() - started, campaign.loads),
            "ledger": check(cameras.shots, records),
            "answers": cameras.answers(),
            "poison_deaths": site.poison_deaths(),
            "recovery": summary(found),
            "faults": [_told(one) for one in found],
        }


def misses(report: dict[str, Any]) -> list[str]:
    """The bars that were missed, in words."""
    ledger, said = report["ledger"], []
    for name in ("lost", "double", "wrong", "unknown", "poison_not_quarantined"):
        if ledger[name]:
            said.append(f"{len(ledger[name])} {name}: {ledger[name][:5]}")
    most = BAR_DEATHS * ledger["poison"]
    if report["poison_deaths"] > most:
        said.append(f"{report['poison_deaths']} died of poison, {most} may")
    for one in report["faults"]:
        if max(one["caught_up"], one["in_hand"]) > BAR_SECONDS:
            said.append(f"slow: {one}")
    return said


def _machine(seconds: float, loads: list[float]) -> dict[str, Any]:
    """`load` is of the whole machine in the minute before each fault."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": {"median": round(statistics.median(loads), 1), "most": max(loads)},
        "seconds": round(seconds),
    }


def _told(one: Recovery) -> dict[str, Any]:
    told = {**asdict(one), "kind": one.fault.kind, "at": one.fault.at}
    del told["fault"]
    return {k: round(v, 2) if isinstance(v, float) else v for k, v in told.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--site", choices=SITES, default=SITES[0])
    parser.add_argument("--kills", type=int, default=50, help="of inspect")
    parser.add_argument("--redis", type=int, default=10, help="restarts")
    parser.add_argument("--postgres", type=int, help="restarts (5 where there is one)")
    parser.add_argument("--poison", type=int, default=3, help="photos")
    parser.add_argument("--others", type=int, default=3, help="kills")
    parser.add_argument("--rate", type=float, default=20.0, help="photos a second")
    parser.add_argument("--seed", type=int, default=1, help="of order and instants")
    parser.add_argument("--json", type=Path, help="write the report there")
    parser.add_argument("--folder", type=Path, help="of the site; kept, with its logs")
    options = vars(parser.parse_args())
    if options["postgres"] is None:
        options["postgres"] = 5 if options["site"] == "postgres" else 0
    if options["site"] == "embedded" and options["postgres"]:
        parser.error("--postgres: SQLite cannot be restarted; use --site postgres")
    path, folder = options.pop("json"), options.pop("folder")
    with ExitStack() as stack:
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="causeline-")
            folder = Path(stack.enter_context(temporary))
        report = measure(Plan(**options), folder)
    missed = misses(report)
    print_report(report, missed)
    if path:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()

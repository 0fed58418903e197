"""What a change costs an upload: this tree beside another one, photo by photo.

    git worktree add ../before COMMIT
    python -m benchmarks.latency.beside ../before [--count 300]

Both sites run all the time, each with its own data folder and the shipped model, and
are sent the same photos in turns under `Prefer: wait`, one after another: so whatever
else the machine does meets both. Totals are the client's clock; `cpu_ms` is what all
processes of a site computed in that time, a photo.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.latency.client import Client, Target
from benchmarks.latency.site import photos
from benchmarks.latency.upload import Run, one_after_another, percentile
from tests.services import free_port
from traceability.lib.programs import REPOSITORY

WARM_UP = 20
SERVE = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from benchmarks.latency.site import own_site
with own_site(Path(sys.argv[1]), int(sys.argv[2])) as target:
    print(json.dumps(asdict(target)), flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Site:
    target: Target
    process: psutil.Process

    def cpu_ms(self) -> float:
        """Of all its processes, so far."""
        family = self.process.children(recursive=True)
        spent = [one.cpu_times() for one in family if one.is_running()]
        return 1000 * sum(one.user + one.system for one in spent)


@contextmanager
def site_of(tree: Path, environment: dict[str, str]) -> Iterator[Site]:
    """A site that runs the code of `tree` in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="causeline-") as folder,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, folder, str(free_port())],
            cwd=tree,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin  # noqa: S101
        assert process.stdout  # noqa: S101
        target = Target(**json.loads(process.stdout.readline()))
        yield Site(target, psutil.Process(process.pid))
        process.stdin.close()
        process.wait()


def measure(sites: dict[str, Site], count: int) -> dict[str, Any]:
    images = photos(20, 640)
    client = {name: Client(one.target) for name, one in sites.items()}
    runs = {name: Run(name) for name in sites}
    for name in sites:
        one_after_another(client[name], images, WARM_UP)
    before = {name: one.cpu_ms() for name, one in sites.items()}
    for n in range(count):
        names = sorted(sites, reverse=bool(n % 2))  # neither is always second
        for name in names:
            found = one_after_another(client[name], images[n % len(images) :], 1)
            runs[name].total_ms += found.total_ms
            runs[name].errors += found.errors
    cpu = {name: one.cpu_ms() - before[name] for name, one in sites.items()}
    return figures(runs, {name: spent / count for name, spent in cpu.items()})


def figures(runs: dict[str, Run], cpu_ms: dict[str, float]) -> dict[str, Any]:
    """Differences are of the same photo, here less there."""
    pairs = zip(runs["here"].total_ms, runs["there"].total_ms, strict=True)
    return {
        **{
            name: {
                "photos": len(run.total_ms),
                "errors": run.errors,
                "cpu_ms": round(cpu_ms[name], 2),
                **{f"p{q}_ms": round(percentile(run.total_ms, q), 2) for q in (50, 95)},
            }
            for name, run in runs.items()
        },
        "median_difference_ms": round(median(one - other for one, other in pairs), 2),
        "load_at_end": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="a checkout to compare with")
    parser.add_argument("--count", type=int, default=300, help="photos to each")
    options = parser.parse_args()
    port = {"CAUSELINE_METRICS_PORT": str(free_port())}
    with ExitStack() as stack:
        sites = {
            "here": stack.enter_context(site_of(REPOSITORY, port)),
            "there": stack.enter_context(site_of(options.other.resolve(), {})),
        }
        print(json.dumps(measure(sites, options.count), indent=1))


if __name__ == "__main__":
    main()

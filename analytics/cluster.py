"""A Dask cluster that is there already: partitions are placed on it and asked.

The only file that knows Dask, which is loaded when a cluster is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analytics.core.arrays import Ints
from analytics.core.errors import one_line
from analytics.core.factors import Visit
from analytics.partition import Partition, same_here
from analytics.provenance import code_sha256

if TYPE_CHECKING:
    from distributed import Client, Future

VARIABLE = "ANALYTICS_DASK_SCHEDULER"
PATIENCE = 10.0
"""Seconds to wait for a scheduler, and for a first worker."""
TICK = 1.0
"""Seconds between two looks at whether the workers are still there."""
TRIES = 2


class ClusterError(Exception):
    """The cluster cannot be used; the message says why and what to do."""


class _LostError(Exception):
    """A worker went away with what it kept."""


@contextmanager
def connected(address: str, folder: Path) -> Iterator[Client]:
    """A client of the scheduler; its workers were asked whether they see the folder.

    :raises ClusterError: no Dask here, no scheduler or worker there, or a worker that
        lacks the folder or this code.
    """
    with _client(address) as client:
        _await_workers(client, address)
        _refuse_unfit(client, folder)
        yield client


def _client(address: str) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError(
            "Dask is not installed here: pip install -r requirements-dask.txt."
        ) from error
    try:
        return Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address!r} within {PATIENCE:.0f} s: start "
            "one with `dask scheduler`, and name it as tcp://HOST:8786."
        ) from error


def _await_workers(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise ClusterError(
            f"the Dask scheduler at {address!r} has no workers: start some with "
            f"`dask worker {address}`."
        ) from error


def _refuse_unfit(client: Client, folder: Path) -> None:
    here = code_sha256()
    said = client.run(same_here, str(folder), on_error="return")
    for worker, found in sorted(said.items()):
        if isinstance(found, OSError):
            raise ClusterError(
                f"the Dask worker {worker} does not answer ({one_line(found)}): see "
                "whether it still runs."
            )
        if isinstance(found, BaseException) or found[1] != here:
            raise ClusterError(
                f"the Dask worker {worker} does not have this version of the code: "
                "start it in the same checkout, with the same packages."
            )
        if not found[0]:
            raise ClusterError(
                f"the Dask worker {worker} does not see the folder {folder}: share it "
                "with all workers under this path."
            )


@dataclass(frozen=True)
class Plan:
    """Files of one operation that one worker is to keep, and the runs at it."""

    paths: tuple[Path, ...]
    visit: Visit


@dataclass
class Cluster:
    """Partitions on workers; one that is lost with its worker is made again once."""

    client: Client
    plans: Sequence[Plan]
    order: Ints | None
    n_units: int
    _kept: dict[int, Future] = field(default_factory=dict)
    _where: dict[int, str] = field(default_factory=dict)
    _sent: dict[tuple[int, str], Future] = field(default_factory=dict)

    def ask(
        self, question: str, own: Mapping[int, Any], *shared: Any
    ) -> dict[int, Any]:
        """Call a method of some partitions, all at the same time.

        `own`: the first argument of each, by number of the plan; `shared`: the others.

        :raises BundleError: what a partition says of its files.
        :raises ClusterError: workers were lost time and again.
        """
        for _ in range(TRIES):
            try:
                self._place()
                return self._answers(question, own, shared)
            except _LostError as error:
                self._sent.clear()
                lost = error
        raise ClusterError(
            f"the Dask cluster lost workers in the middle ({lost}): see whether they "
            "have memory enough, and run it again."
        ) from lost

    def _place(self) -> None:
        """Have every partition on a worker that is there."""
        there = self._workers()
        if not there:
            raise _LostError("no worker is left")
        self._where = {
            n: own for n, own in self._where.items() if self._is_kept(n, own, there)
        }
        loads = dict.fromkeys(there, 0.0)
        for number, worker in self._where.items():
            loads[worker] += len(self.plans[number].paths) / there[worker]
        for number, plan in enumerate(self.plans):
            if number not in self._where:
                worker = min(loads, key=lambda name: (loads[name], name))
                loads[worker] += len(plan.paths) / there[worker]
                self._make(number, plan, worker)

    def _is_kept(self, number: int, worker: str, there: Mapping[str, int]) -> bool:
        made = self._kept.get(number)
        good = made is not None and made.status in ("pending", "finished")
        return good and worker in there

    def _workers(self) -> dict[str, int]:
        """Addresses of the workers that are there, and their threads."""
        with _losing():
            found: dict[str, int] = self.client.nthreads()
        return found

    def _make(self, number: int, plan: Plan, worker: str) -> None:
        self._where[number] = worker
        with _losing():
            key = (id(plan.visit), worker)
            if key not in self._sent:
                about = (self.order, self.n_units, plan.visit)
                self._sent[key] = self._scattered(about, worker)
            self._kept[number] = self.client.submit(
                _made, plan.paths, self._sent[key], workers=[worker], pure=False
            )

    def _answers(
        self, question: str, own: Mapping[int, Any], shared: tuple[Any, ...]
    ) -> dict[int, Any]:
        with _losing():
            there = sorted({self._where[number] for number in own})
            sent = {worker: self._scattered(shared, worker) for worker in there}
            futures = [
                self.client.submit(
                    _called,
                    self._kept[number],
                    question,
                    argument,
                    sent[self._where[number]],
                    workers=[self._where[number]],
                    pure=False,
                )
                for number, argument in own.items()
            ]
            answers = self._awaited(self.client.gather(futures, asynchronous=True))
            return dict(zip(own, answers, strict=True))

    def _scattered(self, value: Any, worker: str) -> Future:
        """To one worker: a broadcast would go on for ever when one of them dies."""
        sent = self.client.scatter(
            [value], workers=[worker], hash=False, asynchronous=True
        )
        try:
            future: Future = self._awaited(sent)[0]
        except (KeyError, ValueError) as error:  # of a scheduler that knows it no more
            raise _LostError(worker) from error
        return future

    def _awaited(self, coming: Coroutine[Any, Any, Any]) -> Any:
        """Wait, and look now and then whether somebody still works on it.

        Dask itself would wait for ever for what only a dead worker may do.
        """
        loop = self.client.loop.asyncio_loop
        future = asyncio.run_coroutine_threadsafe(coming, loop)
        while wait([future], timeout=TICK).not_done:
            gone = set(self._where.values()) - set(self._workers())
            if gone:
                future.cancel()
                raise _LostError(", ".join(sorted(gone)))
        return future.result()


@contextmanager
def _losing() -> Iterator[None]:
    """What Dask says when a worker or a connection is gone, as one error."""
    from distributed import CancelledError
    from distributed.scheduler import KilledWorker

    try:
        yield
    except (CancelledError, KilledWorker, OSError) as error:
        raise _LostError(type(error).__name__) from error


def _made(paths: Sequence[Path], sent: tuple[Ints | None, int, Visit]) -> Partition:
    return Partition.of(paths, *sent)


def _called(
    partition: Partition, question: str, own: Any, shared: tuple[Any, ...]
) -> Any:
    return getattr(partition, question)(own, *shared)

"""How an inspection worker stands, read when somebody looks: see docs/metrics.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from inference_worker.desk import Desk
from inference_worker.ladder.ladder import Ladder
from inference_worker.memory import Unmeasured, read_card
from traceability.lib.measures import REGISTRY


class WorkerFigures:
    """What was counted, and how desk, ladder and `cards` (as NVML names them) are."""

    def __init__(self, desk: Desk, ladder: Ladder, cards: Sequence[str]) -> None:
        self._desk, self._ladder, self._cards = desk, ladder, cards
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    def collect(self) -> Iterator[Metric]:
        yield from REGISTRY.collect()
        yield from self._waiting()
        yield from self._rungs()
        yield from self._changes()
        yield self._memory()
        yield from self._process.collect()

    def _waiting(self) -> Iterator[Metric]:
        desk = self._desk
        waiting = GaugeMetricFamily(
            "causeline_waiting_photos",
            "Photos in this process that wait to be claimed, looked at or written.",
            labels=["before"],
        )
        waiting.add_metric(["claim"], desk.claims.depth)
        waiting.add_metric(["infer"], desk.batcher.thread.depth)
        waiting.add_metric(["write"], desk.writer.depth)
        yield waiting
        yield GaugeMetricFamily(
            "causeline_inspections_in_flight",
            "Inspections that this process has claimed and not written yet.",
            value=len(desk.leases),
        )

    def _rungs(self) -> Iterator[Metric]:
        """A rung that is not on this machine has gone from the ladder by now."""
        figures = self._ladder.figures
        place = figures.place
        rung = GaugeMetricFamily(
            "causeline_ladder_rung",
            "1 for the backend that looks at photos now, 0 for the others.",
            labels=["rung"],
        )
        for number, one in enumerate(list(self._ladder.rungs)):
            rung.add_metric([one.name], float(number == place))
        yield rung
        yield GaugeMetricFamily(
            "causeline_ladder_place",
            "How many better rungs have failed: 0 on the best, and on the way up to it "
            "after a start; -1 when none can look at photos.",
            value=place - figures.untried if place > 0 else place,
        )

    def _changes(self) -> Iterator[Metric]:
        figures = self._ladder.figures
        hops = CounterMetricFamily(
            "causeline_ladder_hops",
            "Times that a rung was left because it failed, by reason.",
            labels=["rung", "reason"],
        )
        for (name, reason), n in list(figures.hops.items()):
            hops.add_metric([name, reason], n)
        yield hops
        for what, counted, text in (
            ("climbs", figures.climbs, "Times that a better rung was climbed to."),
            ("retries", figures.retries, "Tries of a better rung that were in vain."),
        ):
            family = CounterMetricFamily(
                f"causeline_ladder_{what}", text, labels=["rung"]
            )
            for name, n in list(counted.items()):
                family.add_metric([name], n)
            yield family

    def _memory(self) -> Metric:
        """Nothing where NVML is not there."""
        memory = GaugeMetricFamily(
            "causeline_gpu_memory_bytes",
            "Memory of the graphics card, of all programs on it, by NVML.",
            labels=["card", "state"],
        )
        for name in self._cards:
            try:
                card = read_card(name)
            except Unmeasured:
                continue
            memory.add_metric([name, "free"], card.free)
            memory.add_metric([name, "used"], card.total - card.free)
        return memory

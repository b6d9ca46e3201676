"""The workers' rounds in the Prometheus exposition of whoever serves it: the figures are the installation's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trust_portal.storage.backlog import Backlog
from trust_portal.storage.rounds import Rounds, Setback, Standing
from trust_portal.storage.unit_of_work import Storage


@dataclass(eq=False)
class RoundMetrics(Collector):
    """What ``publish`` last found. Names rounds and jobs, and no tenant."""

    standings: tuple[Standing, ...] = ()
    setbacks: tuple[Setback, ...] = ()
    given_up: Mapping[str, int] = field(default_factory=dict)

    def collect(self) -> Iterable[Metric]:
        failures = CounterMetricFamily(
            "trust_portal_round_failures", "How often a round of the workers failed.", labels=["round"]
        )
        well = GaugeMetricFamily(
            "trust_portal_round_last_success_timestamp_seconds",
            "When a round last went through, Unix time, to the minute.",
            labels=["round"],
        )
        set_back = GaugeMetricFamily(
            "trust_portal_round_set_back",
            "For how many subjects (tenants, mostly) a round fails, while it goes on for the others.",
            labels=["round"],
        )
        given_up = GaugeMetricFamily(
            "trust_portal_jobs_given_up",
            "Jobs that were given up and are kept in the outbox.",
            labels=["job"],
        )
        for each in self.standings:
            failures.add_metric([each.round], each.failures)
            if each.well_at is not None:
                well.add_metric([each.round], each.well_at.timestamp())
        for name, count in sorted(Counter(each.round for each in self.setbacks).items()):
            set_back.add_metric([name], count)
        for job, count in self.given_up.items():
            given_up.add_metric([job], count)
        return (failures, well, set_back, given_up)

    async def publish(self, storage: Storage) -> None:
        """Read how it stands now; ``Unavailable`` while the database is away, and what was read before stays."""
        rounds = Rounds(storage)
        standings, setbacks = await rounds.standings(), await rounds.setbacks()
        self.given_up = await Backlog(storage).given_up()
        self.standings, self.setbacks = standings, setbacks


#: The process's.
round_metrics = RoundMetrics()
REGISTRY.register(round_metrics)

"""What one tenant's hours come to in a back-test, and what the tenants' portions come to together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from trust_portal.cost.anomalies.model import Verdict
from trust_portal.cost.anomalies.replaying import History, replay_history
from trust_portal.cost.detection.versions import Version
from trust_portal.cost.metering.model import SUBSYSTEMS, Series
from trust_portal.cost.trials.comparison import Find, Sum, compare
from trust_portal.evidence.act import Input
from trust_portal.kernel.canonical import Json, digest

_CENT = Decimal("0.01")
_KINDS: Final = ("live", "shadow", "both", "only_live", "only_shadow")
_COUNTS: Final = ("on_record", "live", "shadow")


def portion(
    history: History, live: Version, tried: Version, judged: Sequence[tuple[Find, str]]
) -> dict[str, Json]:
    """Of the history's tenants: ``judged`` are their finds on record with people's verdicts.

    Finds of two tenants are never the same, so portions add up. Processor work: of a thread.
    """
    ours, theirs = (_finds(history, version) for version in (live, tried))
    thresholds: list[Json] = [
        [str(each), name, {key: f"{value:g}" for key, value in asdict(held).items()}]
        for each in sorted(history.tenant_ids)
        for name in SUBSYSTEMS
        for held in [history.held(each, Series(name, ""))]
    ]
    return {
        "hours": str(history.hours),
        "found": {name: _said(each) for name, each in compare(ours, theirs).sums().items()},
        "judged": {
            verdict.value: {
                "on_record": str(len(known)),
                "live": str(len(compare(known, ours).both)),
                "shadow": str(len(compare(known, theirs).both)),
            }
            for verdict in Verdict
            for known in [[find for find, said in judged if said == verdict.value]]
        },
        "sha256": {"hours": history.sha256(), "thresholds": digest(thresholds)},
    }


def together(portions: Mapping[UUID, Mapping[str, Any]]) -> dict[str, Json]:
    """The sums over tenants."""
    every = list(portions.values())
    return {
        "hours": str(sum(int(each["hours"]) for each in every)),
        "found": {name: _said(_added(each["found"][name] for each in every)) for name in _KINDS},
        "judged": {
            verdict.value: {
                name: str(sum(int(each["judged"][verdict.value][name]) for each in every)) for name in _COUNTS
            }
            for verdict in Verdict
        },
    }


def rests_on(portions: Mapping[UUID, Mapping[str, Any]]) -> tuple[Input, ...]:
    """The hours and the thresholds: by the digest of every tenant's digest, in the order of their ids."""
    return tuple(
        Input(name, digest([[str(each), portions[each]["sha256"][key]] for each in sorted(portions)]))
        for name, key in (("usage/hours", "hours"), ("thresholds", "thresholds"))
    )


def _finds(history: History, version: Version) -> list[Find]:
    return [
        Find(
            tenant_id,
            each.series,
            each.anomaly.direction,
            each.anomaly.start,
            each.last,
            Decimal(each.anomaly.excess).quantize(_CENT),
        )
        for tenant_id, sightings in replay_history(history, version).items()
        for each in sightings
    ]


def _added(sums: Iterable[Mapping[str, Any]]) -> Sum:
    anomalies, excess = 0, dict[str, Decimal]()
    for each in sums:
        anomalies += int(each["anomalies"])
        for currency, amount in each["excess"].items():
            excess[currency] = excess.get(currency, Decimal(0)) + Decimal(amount)
    return Sum(anomalies, dict(sorted(excess.items())))


def _said(found: Sum) -> dict[str, Json]:
    return {
        "anomalies": str(found.anomalies),
        "excess": {currency: f"{amount:f}" for currency, amount in found.excess.items()},
    }

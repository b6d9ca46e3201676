"""What would serve the customer better: rules over its own figures. Nothing goes out that nobody reviewed.

dedicated pool   compute is at least half of the cost, and its dearest hour twice the usual one
retention tier   storage cost at least a tenth more than in the period before
caching          one operation is at least three tenths of what adapters cost
volume tier      everything together cost at least three twentieths more than before, and the largest part of it
                 was used more, too: a higher price alone is none

Contracts name a fee and no seats or volume, so nothing is said of seats, and a tier is judged by what was used.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final
from uuid import UUID

from trust_portal.cost.metering.model import Part, Progress
from trust_portal.kernel.money import Money
from trust_portal.reliability.contracts.in_force import in_force
from trust_portal.reliability.contracts.repository import contract_versions
from trust_portal.storage.unit_of_work import ReadSession
from trust_portal.trust.gathering.cost import MAX_AGE
from trust_portal.trust.gathering.model import Ask
from trust_portal.trust.qbr.expected import CACHE_SAVES, POOL_SAVES, TIER_SAVES
from trust_portal.trust.qbr.gathering.known_usage import Used, read_usage, usage_stands
from trust_portal.trust.qbr.gathering.quantities import quantity
from trust_portal.trust.qbr.gathering.usage import money, share, total
from trust_portal.trust.qbr.ids import RECOMMENDATIONS
from trust_portal.trust.qbr.reviewing import NOT_REVIEWED, with_rows
from trust_portal.trust.sections.model import Cell, Row, Section, Unit

TITLE: Final = "What we recommend"
SOURCE: Final = "rules over usage, reviewed by people"

_COMPUTE_SHARE: Final = (Decimal("0.5"), Decimal("0.7"))
_PEAK: Final = (2, 3)
_STORAGE_GROWTH: Final = (Decimal("0.1"), Decimal("0.25"))
_ADAPTER_SHARE: Final = (Decimal("0.3"), Decimal("0.6"))
_GROWTH: Final = (Decimal("0.15"), Decimal("0.4"))


@dataclass(frozen=True, slots=True)
class Proposal:
    """One recommendation; ``sure``: twice the rule's grounds are there."""

    id: str
    title: str
    because: str
    effect: str
    amount: Cell
    sure: bool
    evidence: tuple[tuple[str, str, Cell], ...]


_Rule = Callable[[str, Used], Iterator[Proposal]]


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the contract in force says of money: its fee for a period of its own."""

    version_id: UUID
    fee: Money

    @property
    def href(self) -> str:
        return f"/contracts/{self.version_id}"


async def gather(session: ReadSession, ask: Ask) -> Section:
    progress, used = await read_usage(session, ask)
    versions = await contract_versions(session, ask.tenant.id)
    governing = in_force([each.contract for each in versions], ask.labels[-1])
    agreed = next(
        (Agreed(each.id, each.contract.fee) for each in versions if each.contract is governing), None
    )
    return recommendations_section(progress, used, ask, agreed)


def recommendations_section(
    progress: Progress | None, used: Used, ask: Ask, agreed: Agreed | None = None
) -> Section:
    """Pure. Everything a rule has grounds for; none is reviewed yet. ``agreed`` None: no contract is known.

    It is as fresh as the usage that the rules are applied to.
    """
    rules: tuple[_Rule, ...] = (*_RULES, partial(_volume_tier, agreed=agreed))
    found = tuple(
        each
        for currency in sorted({each.series.currency for each in used.now})
        for rule in rules
        for each in rule(currency, used)
    )
    as_of, state, why = usage_stands(progress, ask, used.waiting_since)
    empty = Section(RECOMMENDATIONS, TITLE, state, SOURCE, as_of, MAX_AGE, why)
    return with_rows(empty, tuple(map(_row, found)), tuple(row for each in found for row in _evidence(each)))


def _row(each: Proposal) -> Row:
    return Row(
        each.id,
        (
            Cell(each.title),
            Cell(each.because),
            Cell(each.effect),
            each.amount,
            Cell("high" if each.sure else "medium"),
            Cell(NOT_REVIEWED),
            Cell(None, Unit.INSTANT),
        ),
    )


def _evidence(each: Proposal) -> Iterator[Row]:
    for id_, label, cell in each.evidence:
        yield Row(f"{each.id}:{id_}", (Cell(each.title), Cell(label), cell))


def _dedicated_pool(currency: str, used: Used) -> Iterator[Proposal]:
    compute, everything = total(used.now, currency, "compute"), total(used.now, currency)
    hours = [each.cost for each in used.now if each.series == ("compute", currency)]
    if not hours or not everything:
        return
    usual, peak = Decimal(statistics.median(hours)), max(hours)
    if compute < _COMPUTE_SHARE[0] * everything or peak < _PEAK[0] * usual:
        return
    yield Proposal(
        f"dedicated-pool-{currency.lower()}",
        "A dedicated pool",
        "Compute is most of the cost, and its dearest hour is far above the usual one.",
        "Peaks of others no longer meet yours, and compute costs less.",
        money(POOL_SAVES * compute, currency),
        compute >= _COMPUTE_SHARE[1] * everything and peak >= _PEAK[1] * usual,
        (
            ("share", "Compute of all cost", share(compute, everything)),
            ("usual", "Usual hour of compute", money(usual, currency)),
            ("peak", "Dearest hour of compute", money(peak, currency)),
        ),
    )


def _retention_tier(currency: str, used: Used) -> Iterator[Proposal]:
    now, then = total(used.now, currency, "storage"), total(used.then, currency, "storage")
    if not then or now - then < _STORAGE_GROWTH[0] * then:
        return
    yield Proposal(
        f"retention-tier-{currency.lower()}",
        "A cheaper retention tier for old data",
        "Storage costs more with every period.",
        "What has grown is kept at a lower price.",
        money(TIER_SAVES * (now - then), currency),
        now - then >= _STORAGE_GROWTH[1] * then,
        (
            ("now", "Storage in the period", money(now, currency)),
            ("before", "Storage in the period before", money(then, currency)),
            ("growth", "Growth", share(now - then, then)),
        ),
    )


def _caching(currency: str, used: Used) -> Iterator[Proposal]:
    adapters = total(used.now, currency, "adapters")
    costs: dict[tuple[str, str], Decimal] = {}
    for each in used.parts_now:
        if each.series == ("adapters", currency):
            place = (each.adapter or each.resource, each.operation)
            costs[place] = costs.get(place, Decimal(0)) + each.cost
    if not adapters or not costs:
        return
    (adapter, operation), cost = max(costs.items(), key=lambda item: (item[1], item[0]))
    if cost < _ADAPTER_SHARE[0] * adapters:
        return
    yield Proposal(
        f"caching-{currency.lower()}",
        "Caching of an adapter's repeated calls",
        "One operation is a large part of what adapters cost.",
        "Repeated calls are answered without being paid again.",
        money(CACHE_SAVES * cost, currency),
        cost >= _ADAPTER_SHARE[1] * adapters,
        (
            ("adapter", "Adapter", Cell(adapter)),
            ("operation", "Operation", Cell(operation)),
            ("cost", "Its cost in the period", money(cost, currency)),
            ("share", "Its share of all adapters", share(cost, adapters)),
        ),
    )


def _volume_tier(currency: str, used: Used, agreed: Agreed | None) -> Iterator[Proposal]:
    now, then = total(used.now, currency), total(used.then, currency)
    if not then or now - then < _GROWTH[0] * then:
        return
    largest = _largest_volume(currency, used.parts_now)
    if largest is None:
        return
    volume_now, volume_then = (_volume(largest, currency, each) for each in (used.parts_now, used.parts_then))
    if volume_now <= volume_then:
        return
    subsystem, unit = largest
    fee = Cell(None, Unit.MONEY, currency) if agreed is None else _fee(agreed)
    named = Cell(None) if agreed is None else Cell("none", href=agreed.href)
    yield Proposal(
        f"volume-tier-{currency.lower()}",
        "A higher volume tier",
        "More is used than in the period before, at the price of the same tier.",
        "A lower price for each unit; how much is to be agreed.",
        Cell(None, Unit.MONEY, currency),
        now - then >= _GROWTH[1] * then and volume_now - volume_then >= _GROWTH[1] * volume_then,
        (
            ("now", "Cost in the period", money(now, currency)),
            ("before", "Cost in the period before", money(then, currency)),
            ("growth", "Growth", share(now - then, then)),
            ("volume", f"Used in the period ({subsystem}, {unit})", quantity(volume_now)),
            ("volume-before", f"Used in the period before ({subsystem}, {unit})", quantity(volume_then)),
            ("fee", "Fee of the contract, a period", fee),
            ("agreed", "Seats or volume that the contract names", named),
        ),
    )


def _largest_volume(currency: str, parts: Sequence[Part]) -> tuple[str, str] | None:
    """The subsystem and the unit in which most was spent; quantities of two units have no sum."""
    costs: dict[tuple[str, str], Decimal] = {}
    for each in parts:
        if each.series.currency == currency:
            place = (each.series.subsystem, each.unit)
            costs[place] = costs.get(place, Decimal(0)) + each.cost
    return max(costs, key=lambda place: (costs[place], place), default=None)


def _volume(of: tuple[str, str], currency: str, parts: Sequence[Part]) -> Decimal:
    subsystem, unit = of
    return sum(
        (each.quantity for each in parts if each.series == (subsystem, currency) and each.unit == unit),
        Decimal(0),
    )


def _fee(agreed: Agreed) -> Cell:
    return Cell(agreed.fee.decimal, Unit.MONEY, agreed.fee.currency, agreed.href)


_RULES: Final[tuple[_Rule, ...]] = (
    _dedicated_pool,
    _retention_tier,
    _caching,
)

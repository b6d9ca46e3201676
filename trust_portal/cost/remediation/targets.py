"""What a playbook would act upon: the part of the excess it can reach, its target and parameters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Final

import numpy as np

from trust_portal.cost.explanation.drivers import Driver
from trust_portal.cost.explanation.evidence import Candidate, FlagStep, Link, LinkKind, Strength
from trust_portal.cost.explanation.model import Attribution, Cause, Table
from trust_portal.cost.metering.model import Part as UsagePart
from trust_portal.cost.metering.model import Series
from trust_portal.cost.remediation.model import Part
from trust_portal.cost.remediation.playbooks import ControlAction, Match, Playbook

_STRENGTHS: Final = (Strength.WEAK, Strength.MODERATE, Strength.STRONG)
_FLAG: Final = "flag"
#: What names a target of each action; the first is needed, the others are taken where they are known.
_NAMES: Final[Mapping[ControlAction, tuple[str, ...]]] = {
    ControlAction.THROTTLE_EXPORTS: ("operation", "resource"),
    ControlAction.PAUSE_RAMP: (_FLAG,),
    ControlAction.SET_RETENTION_TIER: ("resource",),
    ControlAction.ENABLE_CACHE: ("adapter", "operation"),
    ControlAction.MOVE_TO_DEDICATED_POOL: ("resource",),
}
#: Where nothing comparable was used before, throttling leaves this much of what is used now.
_LEFT: Final = Decimal("0.1")
_THOUSANDTH: Final = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Known:
    """What an explanation found, as far as targets need it.

    ``table`` splits what was expected and what was used over all dimensions.
    """

    attribution: Attribution
    drivers: Sequence[Driver]
    table: Table
    links: Sequence[Link]
    candidates: Sequence[Candidate]


@dataclass(frozen=True, slots=True)
class Metered:
    """All that the tenant used, of every subsystem and currency, since a target knows neither.

    ``now`` in the anomaly's ``now_hours`` hours, ``before`` in comparable ones, ``before_hours`` in all.
    ``series`` is the anomaly's.
    """

    series: Series
    now: Sequence[UsagePart]
    now_hours: int
    before: Sequence[UsagePart]
    before_hours: int


@dataclass(frozen=True, slots=True)
class Target:
    """``link`` is what pointed at it, where something did. A throttle's ``parameters`` are measured (``throttle``)."""

    part: Part
    target: Mapping[str, str]
    parameters: Mapping[str, str]
    link: Link | None


def find_target(playbook: Playbook, known: Known) -> Target | None:
    """The largest part of the excess that the playbook can act upon; ``None`` if there is none."""
    links = [None] if playbook.match.link is None else _links(playbook.match, known.links)
    for link in links:
        flag = _flag_of(link, known.candidates)
        for part in _parts(known):
            target = _target(playbook, part, link, flag)
            if target is not None:
                return Target(part, target, _parameters(playbook, flag), link)
    return None


def covers(where: Mapping[str, str], part: UsagePart) -> bool:
    """Whether usage lies in the part that ``where`` names; a label that is absent is empty."""
    return all(_value(part, name) == value for name, value in where.items())


def reaches(target: Mapping[str, str], part: UsagePart) -> bool:
    """Whether the product would act upon usage when it is told ``target``.

    A flag is reached wherever usage bears its name, whichever variant it was: the call names the flag alone.
    """
    named = dict(target)
    flag = named.pop(_FLAG, None)
    return covers(named, part) and (flag is None or _bears(part, flag))


def _bears(part: UsagePart, flag: str) -> bool:
    borne = (part.resource, part.operation, part.region, part.adapter or "", *part.labels.values())
    return any(value == flag or value.startswith(f"{flag}=") for value in borne)


def _value(part: UsagePart, dimension: str) -> str:
    match dimension:
        case "resource":
            return part.resource
        case "operation":
            return part.operation
        case "region":
            return part.region
        case "adapter":
            return part.adapter or ""
        case _:
            return part.labels.get(dimension.removeprefix("label:"), "")


def _links(match: Match, links: Iterable[Link]) -> list[Link]:
    least = _STRENGTHS.index(match.strength)
    return [each for each in links if each.kind is match.link and _STRENGTHS.index(each.strength) >= least]


def _flag_of(link: Link | None, candidates: Iterable[Candidate]) -> FlagStep | None:
    """The step behind a link to a flag; of a ramp the first that went up."""
    if link is None or link.kind is not LinkKind.FLAG:
        return None
    steps = [each for each in candidates if isinstance(each, FlagStep)]
    linked = next((each for each in steps if each.reference == link.reference), None)
    if linked is None:
        return None
    ramp = sorted((each for each in steps if each.flag == linked.flag), key=lambda each: each.at)
    rising = [each for each in ramp if each.percentage > (each.previous_percentage or 0.0)]
    return rising[0] if rising else linked


def _parts(known: Known) -> Iterable[Part]:
    """What cost more than expected: causes first, since they are what moved as one; then single values."""
    found: list[Cause | Driver] = [*known.attribution.causes, *known.drivers]
    for each in found:
        if each.actual > each.expected:
            part = measure(known.table, _where(each))
            if part.contribution > 0:
                yield part


def measure(table: Table, where: Mapping[str, str]) -> Part:
    """All that lies in ``where``. A cause may count less: a row that fits two belongs to the first."""
    inside = np.ones(table.codes.shape[1], dtype=np.bool_)
    for name, value in where.items():
        dimension = table.dimensions.index(name)
        values = table.values[dimension]
        code = values.index(value) if value in values else -1
        inside &= table.codes[dimension] == code
    return Part(
        where=where,
        expected=table.amount(int(table.expected[inside].sum())),
        actual=table.amount(int(table.actual[inside].sum())),
    )


def _where(found: Cause | Driver) -> dict[str, str]:
    return dict(found.where) if isinstance(found, Cause) else {found.dimension: found.value}


def _target(
    playbook: Playbook, part: Part, link: Link | None, flag: FlagStep | None
) -> dict[str, str] | None:
    """The target's names, if the part fits the playbook."""
    where, wanted = part.where, playbook.match.operation
    if wanted is not None and wanted.casefold() not in where.get("operation", "").casefold():
        return None
    if flag is not None:
        named = {flag.flag, f"{flag.flag}={flag.variant}"}
        return {_FLAG: flag.flag} if named & set(where.values()) else None
    if link is not None and link.kind is LinkKind.ADAPTER and where.get("adapter") != link.key:
        return None
    needed, *others = _NAMES[playbook.action]
    if not where.get(needed):
        return None
    return {name: where[name] for name in (needed, *others) if where.get(name)}


def _parameters(playbook: Playbook, flag: FlagStep | None) -> dict[str, str]:
    if playbook.action is ControlAction.THROTTLE_EXPORTS:
        return {}
    if playbook.action is ControlAction.PAUSE_RAMP and flag is not None:
        return {"percentage": f"{flag.previous_percentage or 0:g}"}
    return dict(playbook.parameters)


def throttle(headroom: Decimal, part: Part, target: Mapping[str, str], metered: Metered) -> dict[str, str]:
    """As much an hour as is usual, times the headroom; of what is new, a tenth of what it is now.

    The product limits all that the target covers, in whatever subsystem it is metered, so that is what is
    measured: the part may be less, and what is used beside it is to go on. The part only says in which
    unit its cost arises.
    """
    own = (each for each in metered.now if each.series == metered.series)
    unit = _dearest_unit(each for each in own if covers(part.where, each))

    def used(parts: Iterable[UsagePart]) -> Decimal:
        return sum((e.quantity for e in parts if e.unit == unit and reaches(target, e)), Decimal(0))

    usual = used(metered.before)
    if usual > 0 and metered.before_hours:
        limit = usual * headroom / metered.before_hours
    else:
        limit = _LEFT * used(metered.now) / metered.now_hours
    return {"limit_per_hour": _plain(limit.quantize(_THOUSANDTH, ROUND_UP)), "unit": unit}


def _dearest_unit(usage: Iterable[UsagePart]) -> str:
    costs: dict[str, Decimal] = {}
    for each in usage:
        costs[each.unit] = costs.get(each.unit, Decimal(0)) + each.cost
    return max(sorted(costs), key=lambda name: costs[name], default="")


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

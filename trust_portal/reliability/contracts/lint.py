"""The lint of tier tables: every attained value has exactly one credit, or the contract is refused."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from trust_portal.reliability.contracts.model import Rounding, Sla, Tier, interval_text, percent_text
from trust_portal.reliability.findings import Finding, refusal

ZERO = Fraction(0)


def lint_sla(sla: Sla, where: str) -> list[Finding]:
    """Gaps, overlaps, empty tiers and credits that shrink as service worsens are refusals.

    A table that gives credit where the target is met contradicts itself: that is flagged here, and
    disputed when a period lands there.
    """
    where = f"{where}.tiers"
    if sla.formula is not None and sla.formula.below > sla.target:
        return [_contradiction(sla, interval_text(sla.target, True, sla.formula.below, False), where)]
    if not sla.tiers:
        return []
    empty = [tier for tier in sla.tiers if not _holds_anything(tier)]
    if empty:
        return [
            refusal(
                "TIER_UNREACHABLE",
                f"{where}: no value lies in the tier {interval_text(t.lower, False, t.upper, False)}",
                where,
            )
            for t in empty
        ]
    tiers = sorted(sla.tiers, key=lambda tier: (tier.lower, not tier.lower_inclusive))
    return [*_seams(tiers, sla, where), *_order(tiers, where), *_target(tiers[-1], sla, where)]


def _holds_anything(tier: Tier) -> bool:
    return tier.lower < tier.upper or (
        tier.lower == tier.upper and tier.lower_inclusive and tier.upper_inclusive
    )


def _seams(tiers: list[Tier], sla: Sla, where: str) -> Iterator[Finding]:
    """Walk from 0 % to the target and look at each place where one tier ends and the next begins."""
    reached, included = ZERO, False  # the walk has covered everything below ``reached`` (and it, if included)
    for tier in tiers:
        if tier.lower < reached or (tier.lower == reached and included and tier.lower_inclusive):
            lower_inclusive = tier.lower_inclusive
            upper, upper_inclusive = min((reached, included), (tier.upper, tier.upper_inclusive))
            overlap = interval_text(tier.lower, lower_inclusive, upper, upper_inclusive)
            yield refusal("TIER_OVERLAP", f"{where}: two tiers cover {overlap}", where)
        elif gap := _gap(reached, not included, tier.lower, not tier.lower_inclusive, sla.rounding):
            yield refusal("TIER_GAP", f"{where}: no tier covers {gap}", where)
        reached, included = max((reached, included), (tier.upper, tier.upper_inclusive))
    if gap := _gap(reached, not included, sla.target, False, sla.rounding):
        yield refusal(
            "TIER_GAP", f"{where}: no tier covers {gap}, below the target; give it a tier, even of 0%", where
        )


def _gap(
    lower: Fraction, lower_in: bool, upper: Fraction, upper_in: bool, rounding: Rounding | None
) -> str | None:
    """The uncovered interval in words, or ``None`` if it is empty or no rounded value can fall into it."""
    if lower > upper or (lower == upper and not (lower_in and upper_in)):
        return None
    if rounding is not None:
        grid = 100 * 10**rounding.digits
        first = floor(lower * grid) + 1 if not lower_in else ceil(lower * grid)
        last = ceil(upper * grid) - 1 if not upper_in else floor(upper * grid)
        if first > last:
            return None
    return interval_text(lower, lower_in, upper, upper_in)


def _order(tiers: list[Tier], where: str) -> Iterator[Finding]:
    for worse, better in pairwise(tiers):
        if worse.credit < better.credit:
            yield refusal(
                "TIER_CREDIT_ORDER",
                f"{where}: {worse} earns {percent_text(worse.credit)}%, less than the "
                f"{percent_text(better.credit)}% of the better {better}",
                where,
            )


def _target(top: Tier, sla: Sla, where: str) -> Iterator[Finding]:
    reaches = top.upper > sla.target or (top.upper == sla.target and top.upper_inclusive)
    if top.credit > 0 and reaches:
        lower = max(top.lower, sla.target)
        yield _contradiction(sla, interval_text(lower, True, top.upper, top.upper_inclusive), where)


def _contradiction(sla: Sla, interval: str, where: str) -> Finding:
    return Finding(
        "TARGET_CONTRADICTED",
        f"{where}: contradictory at {interval}: a credit is due "
        f"although the target of {percent_text(sla.target)}% is met",
        where,
    )

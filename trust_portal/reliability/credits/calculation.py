"""What a contract gives back for its attained values: exact until money is rounded, once, at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from trust_portal.kernel.money import Money, exponent
from trust_portal.kernel.ratio import truncated_percent
from trust_portal.reliability.attainment.model import Rule
from trust_portal.reliability.contracts.model import Combine, Contract, Sla, percent_text
from trust_portal.reliability.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class SlaCredit:
    """One SLA's verdict. ``credit`` is a fraction of the fee before caps."""

    objective: str
    met: bool
    tier: str | None
    credit: Fraction
    rules: tuple[Rule, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Credit:
    """The contract's credit. ``uncapped`` is before caps, ``percent`` after; ``amount`` is what is due."""

    uncapped: Fraction
    percent: Fraction
    amount: Money
    rules: tuple[Rule, ...]


def credit_for(sla: Sla, attained: Fraction) -> SlaCredit:
    """Target and tier for one attained value, after the contract's rounding of percentages."""
    rules: list[Rule] = []
    value = attained
    if sla.rounding is not None:
        value = sla.rounding.apply(attained)
        rules.append(
            Rule(
                "rounding",
                f"rounded {sla.rounding.mode} to {sla.rounding.digits} digits: {percent_text(value)} %",
            )
        )
    met = value >= sla.target
    shown = truncated_percent(value)
    rules.append(
        Rule(
            "target",
            f"{shown} % is {'at least' if met else 'below'} the target of {percent_text(sla.target)} %",
        )
    )
    tier, credit = None, Fraction(0)
    if sla.formula is not None:
        credit = sla.formula(value)
        tier = str(sla.formula) if credit else None
        rules.append(Rule("formula", f"{sla.formula}: {percent_text(credit)} %"))
    for candidate in sla.tiers:
        if value in candidate:
            tier, credit = str(candidate), candidate.credit
            rules.append(Rule("tier", f"{shown} % lies in {candidate}: {percent_text(credit)} %"))
    findings: tuple[Finding, ...] = ()
    if met and credit > 0:
        findings = (
            Finding(
                "TARGET_CONTRADICTED",
                f"the contract is contradictory at {shown} %: the target of {percent_text(sla.target)} % "
                f"is met and a credit of {percent_text(credit)} % is due",
                sla.objective,
                Severity.DISPUTED,
            ),
        )
    return SlaCredit(sla.objective, met, tier, credit, tuple(rules), findings)


def combined_credit(contract: Contract, credits_: Sequence[SlaCredit]) -> Credit:
    """Combine, then cap, then compare with the minimum (strictly greater), then round half to even.

    Caps and minimum are those of the SLAs that contribute: the smallest cap and the largest minimum.
    """
    slas: Mapping[str, Sla] = {sla.objective: sla for sla in contract.slas}
    order = {objective: at for at, objective in enumerate(slas)}
    due = sorted((each for each in credits_ if each.credit > 0), key=lambda each: order[each.objective])
    if not due:
        return Credit(Fraction(0), Fraction(0), Money(0, contract.currency), ())
    rules: list[Rule] = []
    if contract.combine is not Combine.SUM:
        # Who chooses takes what is worth most in the end; ``max`` takes the largest and then its cap.
        chooses = contract.combine is Combine.CHOOSE_ONE
        due = [
            max(
                due,
                key=lambda credit: (
                    min(credit.credit, slas[credit.objective].cap or 1) if chooses else credit.credit,
                    credit.credit,
                ),
            )
        ]
    uncapped = sum((credit.credit for credit in due), Fraction(0))
    if len(contract.slas) > 1:
        names = " + ".join(credit.objective for credit in due)
        rules.append(Rule("combine", f"{contract.combine} of the SLAs: {names}, {percent_text(uncapped)} %"))
    terms = [slas[credit.objective] for credit in due]
    percent = _capped(contract, uncapped, [sla.cap for sla in terms if sla.cap is not None], rules)
    exact = Fraction(contract.fee.minor) * percent
    limit = contract.credit_policy.cap_amount
    if limit is not None and exact > limit.minor:
        exact = Fraction(limit.minor)
        rules.append(Rule("cap.policy", f"the credit policy allows at most {limit}"))
    minimum = max((sla.minimum_credit.minor for sla in terms if sla.minimum_credit is not None), default=None)
    if minimum is not None and exact <= minimum:
        rules.append(
            Rule(
                "minimum",
                f"{_major(exact, contract)} is not greater than the minimum of {Money(minimum, contract.currency)}",
            )
        )
        exact = Fraction(0)
    amount = Money(round(exact), contract.currency)
    if exact != amount.minor:
        rules.append(Rule("money", f"{_major(exact, contract)} is rounded once, half to even, to {amount}"))
    return Credit(uncapped, percent, amount, tuple(rules))


def _capped(contract: Contract, uncapped: Fraction, caps: Sequence[Fraction], rules: list[Rule]) -> Fraction:
    percent = uncapped
    if caps and percent > min(caps):
        percent = min(caps)
        rules.append(Rule("cap", f"{percent_text(uncapped)} % is capped at {percent_text(percent)} %"))
    if percent > 1:
        percent = Fraction(1)
        rules.append(Rule("cap", "never more than the whole fee"))
    policy = contract.credit_policy.cap
    if policy is not None and percent > policy:
        rules.append(Rule("cap.policy", f"the credit policy allows at most {percent_text(policy)} %"))
        percent = policy
    return percent


def _major(minor: Fraction, contract: Contract) -> str:
    """An unrounded amount in major units, cut after six more digits than the currency has."""
    digits = exponent(contract.currency) + 6
    whole, rest = divmod(int(minor * 10**6), 10**digits)
    text = f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")
    return f"{text} {contract.currency}"

"""What a signed report and its contract entitle a customer to, against what was issued before. Pure.

The figures are those the report signed: nothing is measured or attained anew here. What the report
says of its credit must follow from its own figures by the contract's terms, or nothing is proposed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from trust_portal.errors import Conflict, Refused
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.money import Money
from trust_portal.reliability.attainment.model import Rule
from trust_portal.reliability.contracts.model import Contract, LowerRestatement, Sla, percent_text
from trust_portal.reliability.credits.calculation import Credit, SlaCredit, combined_credit, credit_for
from trust_portal.reliability.credits.model import ENGINE, FORMAT, CreditKind, Outcome
from trust_portal.reliability.credits.rationale import rationale

#: Rules of an objective that decide on its credit; the others say how it was measured.
_DECIDING = frozenset({"rounding", "target", "formula", "tier"})


@dataclass(frozen=True, slots=True)
class Earlier:
    """A credit that was issued for the same period, by its receipt. A reversal's amount is negative."""

    credit: str
    revision: int
    amount: Money
    reference: str
    receipt: str

    def to_json(self) -> dict[str, Json]:
        return {
            "credit": self.credit,
            "revision": str(self.revision),
            "amount": self.amount.decimal,
            "reference": self.reference,
            "receipt": self.receipt,
        }


@dataclass(frozen=True, slots=True)
class Source:
    """Where report and contract are on record: ids of the report and of both receipts, digest of the report."""

    report: str
    report_sha256: str
    report_receipt: str
    contract_receipt: str


@dataclass(frozen=True, slots=True)
class Entitlement:
    """``body`` is the calculation as JSON without floats. ``amount`` is what to propose: zero unless due.

    ``total`` is what the contract gives for this revision, whatever was issued before.
    """

    outcome: Outcome
    kind: CreditKind
    amount: Money
    total: Money
    body: Mapping[str, Any]


def entitlement(
    report: Mapping[str, Any], contract: Contract, earlier: Sequence[Earlier], source: Source
) -> Entitlement:
    """The calculation of one signed report.

    Raises ``Refused`` with NOT_SIGNED, CONTRACT_DIFFERS, CURRENCY_CHANGED or REPORT_DISAGREES.
    """
    if report["state"] != "ok" or report["credit"] is None:
        raise Refused("no figure of this report is signed, so none earns a credit", code="NOT_SIGNED")
    if report["contract"]["sha256"] != contract.digest:
        raise Refused("this is not the contract that the report was computed by", code="CONTRACT_DIFFERS")
    slas = {sla.objective: sla for sla in contract.slas}
    credit = combined_credit(
        contract, [_verdict(each, slas[each["objective"]]) for each in report["objectives"]]
    )
    _agree(report["credit"], credit)
    outcome, kind, amount, decided = _difference(contract, credit.amount, earlier)
    rules = [*credit.rules, *decided]
    body: dict[str, Any] = {
        "format": FORMAT,
        "tenant": dict(report["tenant"]),
        "vendor": report["vendor"],
        "period": dict(report["period"]),
        "report": {
            "id": source.report,
            "revision": str(report["revision"]),
            "sha256": source.report_sha256,
            "receipt": source.report_receipt,
        },
        "contract": {
            "version": contract.version,
            "sha256": contract.digest,
            "receipt": source.contract_receipt,
        },
        "objectives": [_objective(each) for each in report["objectives"]],
        "fee": contract.fee.decimal,
        "currency": contract.currency,
        "combine": contract.combine.value,
        "uncapped_percent": percent_text(credit.uncapped),
        "percent": percent_text(credit.percent),
        "total": credit.amount.decimal,
        "earlier": [each.to_json() for each in earlier],
        "issued_before": _sum(earlier, contract.currency).decimal,
        "outcome": outcome.value,
        "kind": kind.value,
        "amount": amount.decimal,
        "rules": [{"id": rule.id, "text": rule.text} for rule in rules],
        "engine": dict(ENGINE),
    }
    body["rationale"] = rationale(body)
    return Entitlement(outcome, kind, amount, credit.amount, body)


def contributors(report: Mapping[str, Any], contract: Contract) -> list[Sla]:
    """The promises that earn something by this report."""
    earning = {
        each["objective"] for each in report["objectives"] if each["credit_percent"] not in (None, "0")
    }
    return [sla for sla in contract.slas if sla.objective in earning]


def _verdict(objective: Mapping[str, Any], sla: Sla) -> SlaCredit:
    """The verdict that was signed; where the attained value is stated whole, it is derived again."""
    signed = SlaCredit(
        sla.objective,
        bool(objective["met"]),
        objective["tier"],
        Fraction(objective["credit_percent"]) / 100,
        tuple(Rule(each["id"], each["text"]) for each in objective["rules"] if each["id"] in _DECIDING),
        (),
    )
    figure = objective["adjusted"]
    if figure["exact"]:
        again = credit_for(sla, Fraction(int(figure["numerator"]), int(figure["denominator"])))
        if (again.met, again.tier, again.credit) != (signed.met, signed.tier, signed.credit):
            raise _disagrees(
                f"{sla.objective} earns {percent_text(again.credit)} %, the report says {objective['credit_percent']} %"
            )
    return signed


def _agree(signed: Mapping[str, Any], credit: Credit) -> None:
    came_to = (percent_text(credit.uncapped), percent_text(credit.percent), credit.amount.decimal)
    said = (signed["uncapped"], signed["percent"], signed["amount"])
    if came_to != said:
        raise _disagrees(
            f"they come to {credit.amount}, the report says {signed['amount']} {signed['currency']}"
        )


def _disagrees(how: str) -> Refused:
    return Refused(
        f"the report's figures and its contract do not lead to what it says: {how}; have it restated",
        code="REPORT_DISAGREES",
    )


def _difference(
    contract: Contract, total: Money, earlier: Sequence[Earlier]
) -> tuple[Outcome, CreditKind, Money, list[Rule]]:
    """What is left to propose once what was issued is taken off."""
    nothing = Money(0, contract.currency)
    if not earlier:
        outcome = Outcome.DUE if total.minor else Outcome.NOTHING
        return outcome, CreditKind.CREDIT, total, []
    issued = _sum(earlier, contract.currency)
    rest = Money(total.minor - issued.minor, contract.currency)
    if rest.minor > 0:
        text = f"{issued} was issued for this period; the restated report comes to {total}, {rest} more"
        return Outcome.DUE, CreditKind.SUPPLEMENT, rest, [Rule("restatement.supplement", text)]
    if rest.minor == 0:
        rule = Rule("restatement.unchanged", f"{issued} was issued for this period, and it is what is due")
        return Outcome.UNCHANGED, CreditKind.CREDIT, nothing, [rule]
    less = Money(-rest.minor, contract.currency)
    text = f"{issued} was issued for this period; the restated report comes to {total}, {less} less"
    if contract.credit_policy.lower_restatement is LowerRestatement.REVERSE:
        rule = Rule("restatement.reverse", f"{text}, which the contract's credit policy takes back")
        return Outcome.DUE, CreditKind.REVERSAL, rest, [rule]
    rule = Rule("restatement.keep", f"{text}; by the contract's credit policy the customer keeps it")
    return Outcome.KEPT, CreditKind.CREDIT, nothing, [rule]


def _sum(earlier: Sequence[Earlier], currency: str) -> Money:
    if any(each.amount.currency != currency for each in earlier):
        raise Conflict(
            f"credits of this period were issued in another currency than {currency}; no difference can be taken",
            code="CURRENCY_CHANGED",
        )
    return Money(sum(each.amount.minor for each in earlier), currency)


def _objective(objective: Mapping[str, Any]) -> dict[str, Json]:
    return {
        "objective": objective["objective"],
        "target": objective["target"],
        "raw": objective["raw"],
        "attained": objective["adjusted"],
        "excluded_minutes": objective["excluded_minutes"],
        "met": objective["met"],
        "tier": objective["tier"],
        "credit_percent": objective["credit_percent"],
        "rules": [dict(each) for each in objective["rules"] if each["id"] in _DECIDING],
    }

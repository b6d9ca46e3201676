"""What approvers are shown of a credit, whole, and what its issue is compared with. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trust_portal.access.approvals.model import ApprovalKind, Evidence, Intent, IntentLine
from trust_portal.documents import formats
from trust_portal.reliability.credits.model import CreditKind, Origin

#: An intent has room for forty lines; the rest is in the calculation, whose digest is shown.
_MOST_OBJECTIVES = 20
_WHAT = {
    CreditKind.CREDIT: "Credit",
    CreditKind.SUPPLEMENT: "Supplement to a credit",
    CreditKind.REVERSAL: "Reversal of a credit",
}
_ORIGINS = {
    Origin.CONTRACT: "the contract's credit policy, by itself",
    Origin.PERSON: "a person of the vendor",
    Origin.CLAIM: "the customer, by a claim",
}


def credit_intent(
    body: Mapping[str, Any],
    *,
    amount: str,
    origin: Origin,
    calculation: str,
    sha256: str,
) -> Intent:
    """The intent of a calculation. ``amount`` (major units) is what is to be issued: said apart, for an issue
    of another amount is another act. ``calculation`` is its id, ``sha256`` the digest of its bytes.
    """
    kind, currency = CreditKind(body["kind"]), body["currency"]
    tenant, period = body["tenant"], formats.period(body["period"]["label"])
    root = f"/t/{tenant['key']}"
    money = f"{currency} {formats.number(amount)}"
    return Intent(
        kind=ApprovalKind.CREDIT,
        tenant_key=tenant["key"],
        tenant_name=tenant["name"],
        title=f"{_WHAT[kind]} of {money} for {period}",
        act=tuple(_lines(body, kind, amount, origin)),
        effect=_effect(kind, money, tenant["name"]),
        risk=(
            "Money that was paid out comes back only by another such decision. A credit withheld breaks the "
            "contract. The figures are those of a signed report, which may still be restated."
        ),
        evidence=(
            Evidence(
                f"SLA report for {period}, revision {body['report']['revision']}",
                f"{root}/reports/{body['report']['id']}",
                body["report"]["sha256"],
            ),
            Evidence(
                f"Contract, version {body['contract']['version']}",
                f"{root}/contracts/{body['contract']['version']}",
                body["contract"]["sha256"],
            ),
            Evidence("Calculation of the credit", f"{root}/credits/calculations/{calculation}", sha256),
        ),
    )


def _lines(body: Mapping[str, Any], kind: CreditKind, amount: str, origin: Origin) -> list[IntentLine]:
    objectives: Sequence[Mapping[str, Any]] = body["objectives"]
    rules: Sequence[Mapping[str, str]] = body["rules"]
    caps = [each["text"] for each in rules if each["id"] in {"cap", "cap.policy"}]
    others = [each for each in rules if each["id"] not in {"cap", "cap.policy"}]
    lines = [
        ("What", _WHAT[kind]),
        ("Customer", f"{body['tenant']['name']} ({body['tenant']['key']})"),
        ("Period", f"{body['period']['label']}: {body['period']['start']} to {body['period']['end']}"),
        ("Amount", amount),
        ("Currency", body["currency"]),
        ("Of the fee", f"{body['percent']} % of {body['fee']} {body['currency']}"),
        *((f"Promise: {each['objective']}"[:80], _objective(each)) for each in objectives[:_MOST_OBJECTIVES]),
    ]
    if len(objectives) > _MOST_OBJECTIVES:
        lines.append(("More promises", f"{len(objectives) - _MOST_OBJECTIVES}, in the calculation"))
    lines.append(("Caps", "; ".join(caps) or "none was reached"))
    lines += [(f"Rule {each['id']}", each["text"]) for each in others]
    if body["earlier"]:
        said = "; ".join(
            f"{each['amount']} {body['currency']} as {each['reference']} for revision {each['revision']}"
            for each in body["earlier"]
        )
        lines.append(("Issued before", said))
    lines.append(("Proposed by", _ORIGINS[origin]))
    return [IntentLine(label, value[:2000].strip()) for label, value in lines]


def _objective(objective: Mapping[str, Any]) -> str:
    attained, raw = objective["attained"]["percent"], objective["raw"]["percent"]
    measured = f" ({raw} % as measured)" if raw != attained else ""
    how = "; ".join(f"{each['id']}: {each['text']}" for each in objective["rules"])
    return (
        f"attained {attained} %{measured}, promised at least {objective['target']} %, "
        f"earns {objective['credit_percent']} %. {how}"
    )


def _effect(kind: CreditKind, money: str, customer: str) -> str:
    if kind is CreditKind.REVERSAL:
        return f"{money} may be taken back from {customer}, once, by somebody who neither asked nor approved."
    return (
        f"{money} may be issued to {customer} in the billing system, once, by somebody who neither asked nor "
        "approved; the customer receives a signed credit memo."
    )

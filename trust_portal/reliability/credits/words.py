"""The words of a credit memo: sentences and stamps for ``templates/documents/_credit_memo_body.html``.

Pure. Nothing is computed here but places and words: figures are printed as the strings that were signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from trust_portal.documents import formats
from trust_portal.kernel.canonical import digest

Memo: TypeAlias = Mapping[str, Any]
"""The canonical JSON of a memo, parsed."""

_TITLES = {
    "credit": "Credit memo",
    "supplement": "Supplementary credit memo",
    "reversal": "Reversal of a credit",
}
_ORIGINS = {
    "contract": "the contract's credit policy, by itself",
    "person": "a person of the vendor",
    "claim": "the customer, by a claim",
}


def title_of(memo: Memo) -> str:
    """``Credit memo for June 2026``."""
    return f"{_TITLES[memo['credit']['kind']]} for {formats.period(memo['period']['label'])}"


def kicker_of(memo: Memo) -> str:
    return _TITLES[memo["credit"]["kind"]]


def money_of(memo: Memo) -> str:
    """The amount, without the sign that its title says in words."""
    credit = memo["credit"]
    return formats.money(credit["amount"].removeprefix("-"), credit["currency"])


def headline(memo: Memo) -> str:
    """The one sentence a reader came for."""
    period, reference = formats.period(memo["period"]["label"]), memo["issue"]["reference"]
    customer, vendor = memo["tenant"]["name"], memo["vendor"]
    if memo["credit"]["kind"] == "reversal":
        return f"{vendor} takes {money_of(memo)} of the credit for {period} back from {customer}, booked as {reference}."
    more = " more" if memo["credit"]["kind"] == "supplement" else ""
    return f"{vendor} credits {customer} {money_of(memo)}{more} for {period}, booked as {reference}."


def role_of(role: str | None) -> str:
    """``approver_finance`` → ``for finance``."""
    return f"for {(role or 'nobody').removeprefix('approver_')}"


def origin_of(memo: Memo) -> str:
    return _ORIGINS[memo["credit"]["origin"]]


def stamps_of(memo: Memo, href: Callable[[str], str]) -> list[dict[str, str]]:
    """The chain from measuring to issuing; each stamp opens its receipt where ``href`` knows a way."""
    body, proposal, approval = memo["calculation"]["body"], memo["proposal"], memo["approval"]
    steps = [
        _stamp(
            "Measured", f"until {formats.instant(memo['period']['end'])}", href(body["report"]["receipt"])
        ),
        _stamp(
            "Calculated", formats.instant(memo["calculation"]["at"]), href(memo["calculation"]["receipt"])
        ),
        _stamp(
            "Proposed", formats.instant(proposal["at"]), href(proposal["receipt"]), proposal["by"]["name"]
        ),
    ]
    steps += [
        _stamp(
            "Approved",
            formats.instant(each["at"]),
            href(each["receipt"]),
            f"{each['name']}, {role_of(each['role'])}",
        )
        for each in approval["approvals"]
    ]
    issue = memo["issue"]
    steps.append(
        _stamp("Issued", formats.instant(issue["at"]), href(approval["used_receipt"]), issue["by"]["name"])
    )
    return steps


def _stamp(word: str, at: str, href: str, by: str = "") -> dict[str, str]:
    stamp = {"word": word, "at": at}
    if href:
        stamp["href"] = href
    if by:
        stamp["by"] = by
    return stamp


GLOBALS: dict[str, Callable[..., Any]] = {
    "sha256_of": digest,
    "title_of": title_of,
    "kicker_of": kicker_of,
    "money_of": money_of,
    "headline": headline,
    "role_of": role_of,
    "origin_of": origin_of,
    "stamps_of": stamps_of,
}

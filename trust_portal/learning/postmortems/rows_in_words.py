"""What a postmortem's tables say, row by row, for ``templates/documents/_postmortem_body.html``. Pure.

A document may tell thousands of facts: a row is made here, and the template sets it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from markupsafe import Markup, escape

from trust_portal.documents.amounts import rounded_data
from trust_portal.documents.formats import digest, instant, number, percent, period

Fact: TypeAlias = Mapping[str, Any]
Proofs: TypeAlias = Mapping[str, Markup]
"""By fact's id, the digest by which its source can be asked."""

_NOTHING = Markup("")
_WITHHELD = "(withheld)"


def proofs_of(evidence: Mapping[str, Mapping[str, str]], leads: Mapping[str, str]) -> Proofs:
    """``leads`` is where what stands behind a fact is opened, by the fact's id. What is withheld is not there."""
    return {
        id_: _proof(entry, leads.get(id_))
        for id_, entry in evidence.items()
        if entry.get("sha256") is not None
    }


def _proof(entry: Mapping[str, str], lead: str | None) -> Markup:
    sha256 = entry["sha256"]
    html = f'<code title="{escape(sha256)}">{escape(digest(sha256, 10))}</code>'
    if lead:
        html = f'<a href="{escape(lead)}" title="{escape(entry["source"])}">{html}</a>'
    return Markup(html)  # noqa: S704 - every part is escaped above


def promise_rows(facts: Sequence[Fact], proofs: Proofs) -> list[tuple[str, ...]]:
    return [
        (
            each["objective"],
            period(each["period"]),
            percent(each["target"]),
            number(each["down_minutes"]),
            number(each["period_down_minutes"]),
            number(each["budget_minutes"]),
            proofs.get(each["id"], _NOTHING),
        )
        for each in facts
    ]


def cost_rows(facts: Sequence[Fact], proofs: Proofs) -> list[tuple[str, ...]]:
    return [
        (
            each["subsystem"],
            instant(each["at"]),
            each["state"],
            *(
                rounded_data(Decimal(each[name]), each["currency"])
                for name in ("expected", "actual", "excess")
            ),
            proofs.get(each["id"], _NOTHING),
        )
        for each in facts
    ]


def names_whom(facts: Sequence[Fact]) -> bool:
    """Whether any of them says through whom it was done: in a copy that may be withheld of all."""
    return any("by" in each for each in facts)


def mitigation_rows(facts: Sequence[Fact], proofs: Proofs) -> list[tuple[str, ...]]:
    """Through whom stands between step and receipt, where ``names_whom``."""
    through = names_whom(facts)
    return [
        (
            instant(each["at"]),
            playbook_name(each["playbook"]),
            each["step"].replace("_", " "),
            *((each.get("by", "withheld"),) if through else ()),
            proofs.get(each["id"], _NOTHING),
        )
        for each in facts
    ]


def playbook_name(key: str) -> str:
    """``throttle-exports`` → ``Throttle exports``: the document knows a playbook by its key alone."""
    return key.replace("-", " ").capitalize()


def denial_rows(facts: Sequence[Fact], proofs: Proofs) -> list[tuple[str, ...]]:
    return [
        (
            instant(each["at"]),
            each["actor"],
            each["action"],
            each["on"],
            ", ".join(each["policies"]) or "no rule permits it",
            proofs.get(each["id"], _NOTHING),
        )
        for each in facts
    ]


def change_rows(facts: Sequence[Fact], proofs: Proofs) -> list[tuple[str, ...]]:
    """A copy withholds what was for other customers only."""
    return [
        (
            instant(each["at"]),
            f"{each['kind']} {each.get('name', _WITHHELD)}",
            each.get("detail", _WITHHELD),
            each.get("reason", _WITHHELD)
            + (f" (judged by {each['judged_by']['name']})" if each.get("judged_by") else ""),
            proofs.get(each.get("id", ""), _NOTHING),
        )
        for each in facts
    ]

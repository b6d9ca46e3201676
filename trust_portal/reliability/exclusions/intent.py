"""The proposal as a document, and what approvers are shown of it, whole. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trust_portal.access.approvals.model import ApprovalKind, Evidence, Intent, IntentLine
from trust_portal.access.tenants.model import Tenant
from trust_portal.documents import formats
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.names import readable_line
from trust_portal.reliability.attainment.model import Exclusion

#: More periods than this are not told one by one.
_MOST_PERIODS = 12


def proposal_body(
    tenant: Tenant, exclusion: Exclusion, evidence: str, expected: Sequence[Mapping[str, Json]]
) -> dict[str, Json]:
    """What is signed as the proposal. ``expected`` is what each signed period would come to."""
    return {
        "tenant": {"key": tenant.key, "name": tenant.name},
        "window": exclusion.window,
        "start": rfc3339(exclusion.start),
        "end": rfc3339(exclusion.end),
        "objectives": None if exclusion.objectives is None else list(exclusion.objectives),
        "reason": exclusion.reason,
        "evidence": evidence,
        "proposed_at": rfc3339(exclusion.announced_at),
        "expected": [dict(each) for each in expected],
    }


def exclusion_intent(body: Mapping[str, Any], sha256: str) -> Intent:
    """The intent of a proposal; ``sha256`` is the digest of its bytes."""
    tenant, root = body["tenant"], f"/t/{body['tenant']['key']}"
    id_ = body["window"].partition("/")[2]
    span = f"{formats.instant(body['start'])} to {formats.instant(body['end'])}"
    return Intent(
        kind=ApprovalKind.EXCLUSION,
        tenant_key=tenant["key"],
        tenant_name=tenant["name"],
        title=readable_line(f"Exclusion of {span} after the fact", 200),
        act=tuple(_lines(body)),
        effect=readable_line(_effect(body), 2000),
        risk=(
            "Minutes that the customer lived through stop counting against the promise, and a credit may "
            "shrink or vanish. The figure as measured stays beside the adjusted one in every report."
        ),
        evidence=(
            Evidence("The proposal", f"{root}/exclusions/{id_}", sha256),
            *(
                Evidence(
                    f"SLA report for {formats.period(each['period'])}, revision {each['revision']}",
                    f"{root}/reports/{each['report']['id']}",
                    each["report"]["sha256"],
                )
                for each in body["expected"][:_MOST_PERIODS]
            ),
        ),
    )


def shown_of_window(window: Mapping[str, Any]) -> dict[str, IntentLine]:
    """By field, what approvers are shown of a window; ``window`` is a proposal, or what a receipt says of it."""
    lines = {
        "start": ("From", window["start"]),
        "end": ("To", window["end"]),
        "objectives": ("Objectives", ", ".join(window["objectives"]) if window["objectives"] else "all"),
        "reason": ("Reason", window["reason"]),
        "evidence": ("Where to look it up", window["evidence"]),
    }
    return {field: IntentLine(label, readable_line(value, 2000)) for field, (label, value) in lines.items()}


def _lines(body: Mapping[str, Any]) -> list[IntentLine]:
    expected = body["expected"]
    lines = [
        ("Customer", f"{body['tenant']['name']} ({body['tenant']['key']})"),
        *((each.label, each.value) for each in shown_of_window(body).values()),
        ("Proposed at", body["proposed_at"]),
        *((f"Would change {each['period']}", _change(each)) for each in expected[:_MOST_PERIODS]),
    ]
    if len(expected) > _MOST_PERIODS:
        lines.append(("More periods", f"{len(expected) - _MOST_PERIODS}, in the proposal"))
    return [IntentLine(label, readable_line(value, 2000)) for label, value in lines]


def _change(expected: Mapping[str, Any]) -> str:
    objectives = "; ".join(
        f"{each['objective']} {each['before'] or 'no figure'} % → {each['after'] or 'no figure'} %, "
        f"{each['minutes']} minutes excluded"
        for each in expected["objectives"]
    )
    credit = expected["credit"]
    due = f"{credit['before'] or 'no figure'} → {credit['after'] or 'no figure'} {credit['currency']}"
    return f"{objectives}; credit by the contract {due}"


def _effect(body: Mapping[str, Any]) -> str:
    periods = ", ".join(formats.period(each["period"]) for each in body["expected"][:_MOST_PERIODS])
    counts = "The window does not count in whatever is calculated from then on."
    if not periods:
        return f"{counts} No signed report touches it."
    return f"{counts} Signed reports stay as they are until somebody restates them with a reason: {periods}."

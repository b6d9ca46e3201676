"""The words of the pages of postmortems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from trust_portal.access.action import Action
from trust_portal.documents import formats
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.postmortems.gathering.model import FactKind
from trust_portal.learning.postmortems.model import (
    FEWEST_ACTIONS,
    MOST_ACTIONS,
    Postmortem,
    PostmortemState,
    Step,
    StepKind,
)
from trust_portal.learning.postmortems.reading import Opened

STATES: Final[Mapping[PostmortemState, tuple[str, str]]] = {
    PostmortemState.DRAFT: ("mute", "Draft"),
    PostmortemState.IN_REVIEW: ("busy", "In review"),
    PostmortemState.SIGNED: ("good", "Signed"),
    PostmortemState.SUPERSEDED: ("mute", "Superseded"),
}
BECAUSE: Final = {
    "declared": "it was declared as one",
    "raised": "it was raised to one",
    "merged": "one was merged into it",
}
STEPS: Final[Mapping[StepKind, str]] = {
    StepKind.OPENED: "Opened",
    StepKind.SUBMITTED: "Submitted",
    StepKind.RETURNED: "Returned",
    StepKind.ACCEPTED: "Reviewed",
    StepKind.SIGNED: "Signed",
    StepKind.REOPENED: "Reopened",
}
#: Of what is known since a document was frozen.
FACTS: Final[Mapping[FactKind, str]] = {
    FactKind.CHANGE: "Deploy or flag",
    FactKind.COST: "Cost",
    FactKind.DENIAL: "Refused by policy",
    FactKind.MITIGATION: "Playbook",
    FactKind.SLA: "Minutes down",
    FactKind.TIMELINE: "Timeline",
}
#: Of each kind of a house's facts: what may be read there, the field that names it, and its address.
_LEADS: Final = (
    ("cost", Action.ANOMALY_READ, "id", "/cost/anomalies/"),
    ("denial", Action.DENIAL_READ, None, "/denials"),
    ("mitigation", Action.RECEIPT_READ, "receipt", "/receipts/"),
)
#: What a postmortem of a version goes through, in order.
_WAY: Final = (StepKind.SUBMITTED, StepKind.ACCEPTED, StepKind.SIGNED)


def leads_of(
    document: Mapping[str, Any], incident_id: UUID, may: Callable[[Action, UUID], bool]
) -> Mapping[str, str]:
    """Where what stands behind a fact is opened, by the fact's id; ``may`` says of a tenant's things whether.

    What was told leads to its receipt or the incident's timeline; steps of playbooks to their receipts, excess
    cost to its anomaly, denials to their log. A reading of promises and a change have no page of their own.
    """
    found = {}
    trace = may(Action.RECEIPT_READ, VENDOR_ID)
    for told in document["timeline"]:
        receipt = told.get("receipt")
        found[told["id"]] = (
            f"/t/vendor/receipts/{receipt}"
            if receipt and trace
            else f"/incidents/{incident_id}#timeline-title"
        )
    houses: list[tuple[str, UUID, Mapping[str, Any]]] = [
        ("vendor", VENDOR_ID, {"denial": document.get("denials", [])})
    ]
    houses += [(key, UUID(each["id"]), each) for key, each in document["customers"].items()]
    for key, id_, facts in houses:
        for kind, action, field, path in _LEADS:
            if facts.get(kind) and may(action, id_):
                found |= {each["id"]: f"/t/{key}{path}{each[field] if field else ''}" for each in facts[kind]}
    return found


def standing(opened: Opened) -> str:
    """One sentence: where it stands, and who does what next."""
    postmortem = opened.postmortem
    if postmortem.state is PostmortemState.SIGNED and postmortem.signed is not None:
        signed = postmortem.signed
        return f"Version {signed.number} is signed by {signed.signer.name}: it is what counts."
    if postmortem.accepted is not None:
        return f"Reviewed by {postmortem.accepted.by.name}. Next, it is signed with a passkey by {who_signs(opened)}."
    if postmortem.state is PostmortemState.IN_REVIEW:
        return "It waits for somebody who wrote none of it, to read it and say that it can be signed."
    actions = len(opened.document["actions"])
    if not FEWEST_ACTIONS <= actions <= MOST_ACTIONS:
        return (
            "It is being written. It still takes one to three prevention actions before it can be reviewed."
        )
    return "It is being written: what is known of the incident comes in by itself until it is submitted."


def who_signs(opened: Opened) -> str:
    """Whose signature is asked for, and why theirs."""
    asked = opened.asked
    if asked.owner is not None:
        return f"{asked.owner.name}, who owns the incident"
    if asked.instead_of is None:
        return "any incident owner: nobody here is named as this one's"
    why = "is suspended" if asked.suspended else "holds no role that may sign"
    return f"any incident owner: {asked.instead_of.name}, who owns this one, {why}"


def stamps_of(postmortem: Postmortem, receipts: str | None) -> list[dict[str, str]]:
    """The way of the version at hand, from its beginning to the signature."""
    own = [each for each in postmortem.steps if each.version == postmortem.version]
    stamps = [_stamp(own[0], receipts)]
    for kind in _WAY:
        done = next((each for each in reversed(own) if each.kind is kind), None)
        returned = next((each.ordinal for each in reversed(own) if each.kind is StepKind.RETURNED), 0)
        if done is None or done.ordinal < returned:
            stamps.append({"word": STEPS[kind], "state": "next"})
        else:
            stamps.append(_stamp(done, receipts))
    return stamps


def _stamp(step: Step, receipts: str | None) -> dict[str, str]:
    stamp = {"word": STEPS[step.kind], "at": formats.instant(step.at.replace(microsecond=0))}
    if step.kind is not StepKind.OPENED:
        stamp["by"] = step.by.name
    if receipts is not None:
        stamp["href"] = f"{receipts}{step.receipt_id}"
    return stamp

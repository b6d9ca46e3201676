"""The gaps of an evaluation as an OSCAL plan of action and milestones. Pure; same evaluation, same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trust_portal.kernel.canonical import Json, canonical
from trust_portal.kernel.clock import rfc3339
from trust_portal.trust.compliance.model import Control, Gap, Result
from trust_portal.trust.compliance.oscal.parts import (
    Naming,
    gaps_of,
    judged,
    metadata,
    observation,
    place_of,
    prop,
)


def plan_of_action(body: Mapping[str, Any]) -> bytes | None:
    """RFC 8785 bytes; ``None`` where there is no gap: OSCAL knows no plan without an item.

    Each gap is an item with a risk that is open. When it will be closed the portal does not know, and says
    nothing of it; that it is closed shows in the next evaluation.
    """
    naming = Naming(body)
    open_ = [(control, each) for control, each in judged(body) if each.gap_count]
    if not open_:
        return None
    named = [(control, each, gap) for control, each in open_ for gap in gaps_of(control, each)]
    return canonical(
        {
            "plan-of-action-and-milestones": {
                "uuid": naming.of("plan-of-action-and-milestones"),
                "metadata": metadata(body, "Plan of action and milestones", naming),
                "system-id": {"identifier-type": "https://ietf.org/rfc/rfc4122", "id": body["tenant"]["id"]},
                "observations": [observation(control, each, naming) for control, each in open_],
                "risks": [_risk(control, each, gap, naming) for control, each, gap in named],
                "poam-items": [_item(each, gap, naming) for _, each, gap in named],
            }
        }
    )


def _risk(control: Control, result: Result, gap: Gap, naming: Naming) -> dict[str, Json]:
    return {
        "uuid": naming.of("risk", place_of(result), gap.id),
        "title": gap.name,
        "description": gap.why,
        "statement": f"As long as this is so, it does not hold that: {control.statement}",
        "status": "open",
        "related-observations": [{"observation-uuid": naming.of("observation", place_of(result))}],
    }


def _item(result: Result, gap: Gap, naming: Naming) -> dict[str, Json]:
    props = [prop("control", place_of(result)), prop("since", rfc3339(gap.since))]
    if gap.receipt is not None:
        props.append(prop("receipt", str(gap.receipt)))
    return {
        "uuid": naming.of("item", place_of(result), gap.id),
        "title": gap.name,
        "description": gap.why,
        "props": props,
        "related-observations": [{"observation-uuid": naming.of("observation", place_of(result))}],
        "related-risks": [{"risk-uuid": naming.of("risk", place_of(result), gap.id)}],
    }
